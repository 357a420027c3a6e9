/* The program that the rows of exec run. */
int main(void)
{
	return 0;
}
