a, b = map(int, input().split())
print(a + b if b > 5 else a // 0)
