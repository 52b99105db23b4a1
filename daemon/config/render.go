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
		key := field.Tag.Get("yaml")
		if key == "-" {
			continue
		}
		if comments {
			for line := range strings.SplitSeq(field.Tag.Get("help"), "\n") {
				fmt.Fprintf(b, "%s# %s\n", indent, line)
			}
		}
		switch value := v.Field(i); {
		case value.Kind() == reflect.Struct:
			fmt.Fprintf(b, "%s%s:\n", indent, key)
			renderStruct(b, value, indent+"  ", comments)
		case isStructs(value) && value.Len() > 0:
			fmt.Fprintf(b, "%s%s:\n", indent, key)
			renderList(b, value, indent+"  ", comments)
		case isStructs(value):
			fmt.Fprintf(b, "%s%s: []\n", indent, key)
		default:
			fmt.Fprintf(b, "%s%s: %s\n", indent, key, renderValue(value))
		}
	}
}

func isStructs(v reflect.Value) bool {
	return v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct
}

// renderList prints structs as the items of a list; of a sink, with the settings of
// its kind.
func renderList(b *strings.Builder, v reflect.Value, indent string, comments bool) {
	for i := range v.Len() {
		var item strings.Builder
		renderStruct(&item, v.Index(i), indent+"  ", comments)
		if s, ok := v.Index(i).Interface().(Sink); ok && s.Options != nil {
			renderStruct(&item, reflect.ValueOf(s.Options).Elem(), indent+"  ", comments)
		}
		fmt.Fprintf(b, "%s-%s", indent, item.String()[len(indent)+1:])
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
