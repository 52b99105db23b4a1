package format

import (
	"vigil/audit"
)

// object writes JSON: objects and lists with their commas. Keys are written as
// they are.
type object struct{ b []byte }

// open begins an object and returns where.
func (o *object) open() int {
	o.b = append(o.b, '{')
	return len(o.b)
}

func (o *object) close() { o.b = append(o.b, '}') }

// closeUnlessEmpty ends the object that open began at start, or takes it back with
// its key if nothing was written into it.
func (o *object) closeUnlessEmpty(start int) {
	if len(o.b) > start {
		o.close()
		return
	}
	// What stands before is `"key":{`, after a comma unless it is the first.
	i := start - len(`":{`) - 1
	for o.b[i] != '"' {
		i--
	}
	if o.b[i-1] == ',' {
		i--
	}
	o.b = o.b[:i]
}

func (o *object) list()      { o.b = append(o.b, '[') }
func (o *object) closeList() { o.b = append(o.b, ']') }

// comma separates what follows from what stands before: no value ends with a
// bracket that opens.
func (o *object) comma() {
	if c := o.b[len(o.b)-1]; c != '{' && c != '[' {
		o.b = append(o.b, ',')
	}
}

func (o *object) key(key string) {
	o.comma()
	o.b = append(o.b, '"')
	o.b = append(o.b, key...)
	o.b = append(o.b, '"', ':')
}

// raw writes a value that is JSON already.
func (o *object) raw(key, value string) {
	o.key(key)
	o.b = append(o.b, value...)
}

func (o *object) string(key string, value []byte) {
	o.key(key)
	o.b = appendString(o.b, value)
}

// item writes a string into a list.
func (o *object) item(value []byte) {
	o.comma()
	o.b = appendString(o.b, value)
}

// number writes an integer if the field holds one.
func (o *object) number(key string, fd audit.Field) {
	if n := len(fd.Value); n == 0 || n > 18 || n > 1 && fd.Value[0] == '0' {
		return
	}
	if _, ok := fd.Uint(); ok {
		o.key(key)
		o.b = append(o.b, fd.Value...)
	}
}
