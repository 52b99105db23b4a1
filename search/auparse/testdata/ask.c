/* Reads lines of an audit log and writes, for each, the type's number and what libauparse makes of the fields: name,
 * value and interpretation, between 0x1F, each field after a tab. A byte below 0x20 is written as \xHH, as is a
 * backslash. The argument is the escape mode, 0 to 3. */
#include <stdio.h>
#include <stdlib.h>

typedef struct opaque auparse_state_t;
auparse_state_t *auparse_init(int source, const void *b);
void auparse_destroy(auparse_state_t *au);
int auparse_next_event(auparse_state_t *au);
int auparse_first_record(auparse_state_t *au);
int auparse_next_record(auparse_state_t *au);
int auparse_first_field(auparse_state_t *au);
int auparse_next_field(auparse_state_t *au);
const char *auparse_get_field_name(auparse_state_t *au);
const char *auparse_get_field_str(auparse_state_t *au);
const char *auparse_interpret_field(auparse_state_t *au);
int auparse_get_type(auparse_state_t *au);
void auparse_set_escape_mode(auparse_state_t *au, int mode);

static void put(const char *s)
{
	if (!s)
		s = "";
	for (; *s; s++) {
		unsigned char c = *s;
		if (c < ' ' || c == '\\')
			printf("\\x%02x", c);
		else
			putchar(c);
	}
}

int main(int argc, char **argv)
{
	int mode = argc > 1 ? atoi(argv[1]) : 1;
	char *line = NULL;
	size_t n = 0;
	while (getline(&line, &n, stdin) > 0) {
		auparse_state_t *au = auparse_init(3 /* AUSOURCE_BUFFER */, line);
		if (!au)
			return 1;
		auparse_set_escape_mode(au, mode);
		if (auparse_next_event(au) > 0 && auparse_first_record(au) > 0) {
			printf("%d", auparse_get_type(au));
			if (auparse_first_field(au) > 0)
				do {
					putchar('\t');
					put(auparse_get_field_name(au));
					putchar(0x1f);
					put(auparse_get_field_str(au));
					putchar(0x1f);
					put(auparse_interpret_field(au));
				} while (auparse_next_field(au) > 0);
		}
		putchar('\n');
		fflush(stdout);
		auparse_destroy(au);
	}
	return 0;
}
