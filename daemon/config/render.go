package config

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Render writes the configuration as a vigil.yaml that reads back as the same
// configuration. With comments, each key has its meaning above it.
func (c *Config) Render(comments bool) string {
	var b strings.Builder
	renderStruct(&b, reflect.ValueOf(*c), "", comments)
	return b.String()
}

func renderStruct(b *strings.Builder, v reflect.Value, indent string, comments bool) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if comments {
			for line := range strings.SplitSeq(field.Tag.Get("help"), "\n") {
				fmt.Fprintf(b, "%s# %s\n", indent, line)
			}
		}
		key := field.Tag.Get("yaml")
		if v.Field(i).Kind() == reflect.Struct {
			fmt.Fprintf(b, "%s%s:\n", indent, key)
			renderStruct(b, v.Field(i), indent+"  ", comments)
			continue
		}
		fmt.Fprintf(b, "%s%s: %s\n", indent, key, renderValue(v.Field(i)))
	}
}

// renderValue prints a value as YAML reads it back.
func renderValue(v reflect.Value) string {
	if s, ok := v.Interface().(fmt.Stringer); ok {
		return s.String()
	}
	var node yaml.Node
	err := node.Encode(v.Interface())
	node.Style = yaml.FlowStyle // lists in one line
	var text []byte
	if err == nil {
		text, err = yaml.Marshal(&node)
	}
	if err != nil {
		panic("BUG: a setting that YAML cannot write: " + err.Error())
	}
	return strings.TrimSuffix(string(text), "\n")
}
