/* The smallest job: static, so that its start costs no more than an exec has to. */
int main(void)
{
	return 0;
}
