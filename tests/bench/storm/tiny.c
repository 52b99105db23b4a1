// tiny does nothing and leaves at once: what the exec storm executes. Linked without start files, so that
// an exec of it is as near to the bare execve as can be.
#include <unistd.h>

void _start(void)
{
	_exit(0);
}
