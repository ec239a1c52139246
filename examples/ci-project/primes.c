/* Prints the prime numbers below its argument. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	const long below = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	for (long number = 2; number < below; number++) {
		long divisor = 2;
		while (divisor * divisor <= number && number % divisor != 0)
			divisor++;
		if (divisor * divisor > number)
			printf("%ld\n", number);
	}
	return 0;
}
