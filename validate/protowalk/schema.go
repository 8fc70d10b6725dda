package protowalk

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is the type of a field.
type Kind uint8

// The kinds of field. Float, fixed and enum are told apart only where their bytes differ.
const (
	Int32 Kind = iota + 1 // also enum
	Int64
	Uint32
	Uint64
	Sint64
	Bool
	Fixed32
	Fixed64
	String
	Bytes
	Sub // a message
)

var kinds = map[string]Kind{
	"int32": Int32, "enum": Int32, "int64": Int64, "uint32": Uint32, "uint64": Uint64, "sint32": Sint64, "sint64": Sint64, "bool": Bool,
	"fixed32": Fixed32, "sfixed32": Fixed32, "float": Fixed32, "fixed64": Fixed64, "sfixed64": Fixed64, "double": Fixed64,
	"string": String, "bytes": Bytes,
}

// The most fields and oneofs that a message of a table may have.
const (
	maxFields = 256
	maxOneofs = 8
)

// Field is one line of the table.
type Field struct {
	Number   int32
	Name     string
	Kind     Kind
	Repeated bool
	Message  *Message // of a Sub

	index int // among the fields of its message
	oneof int // from 1; 0: none
}

// Message is one message of the table.
type Message struct {
	Name   string
	fields map[int32]*Field
}

// Schema is a table of messages by name.
type Schema map[string]*Message

// Parse reads a table. It is as strict as the table is important: duplicates and unknown words are errors.
func Parse(text string) (Schema, error) {
	s := Schema{}
	for _, line := range strings.Split(text, "\n") {
		if name, ok := strings.CutPrefix(line, "message "); ok {
			if s[name] != nil {
				return nil, fmt.Errorf("message %s twice", name)
			}
			s[name] = &Message{Name: name, fields: map[int32]*Field{}}
		}
	}
	var m *Message
	var oneofs []string
	for i, line := range strings.Split(text, "\n") {
		if name, ok := strings.CutPrefix(line, "message "); ok {
			m, oneofs = s[name], nil
			continue
		}
		if line == "" || line[0] == '#' {
			continue
		}
		if m == nil {
			return nil, fmt.Errorf("line %d: a field before the first message", i+1)
		}
		if err := s.field(m, &oneofs, strings.Fields(line)); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return s, nil
}

// field reads "number type[*] name [oneof]".
func (s Schema) field(m *Message, oneofs *[]string, words []string) error {
	if len(words) != 3 && len(words) != 4 {
		return fmt.Errorf("want number, type, name and at most a oneof")
	}
	n, err := strconv.ParseInt(words[0], 10, 32)
	if err != nil || n < 1 || n >= 1<<29 {
		return fmt.Errorf("field number %q", words[0])
	}
	f := &Field{Number: int32(n), Name: words[2], index: len(m.fields)}
	typ, repeated := strings.CutSuffix(words[1], "*")
	f.Repeated = repeated
	if f.Kind = kinds[typ]; f.Kind == 0 {
		if f.Kind, f.Message = Sub, s[typ]; f.Message == nil {
			return fmt.Errorf("unknown type %q", typ)
		}
	}
	if m.fields[f.Number] != nil || f.index >= maxFields {
		return fmt.Errorf("field %d twice, or too many fields", n)
	}
	if len(words) == 4 {
		for i, o := range *oneofs {
			if o == words[3] {
				f.oneof = i + 1
			}
		}
		if f.oneof == 0 {
			*oneofs = append(*oneofs, words[3])
			f.oneof = len(*oneofs)
		}
		if f.oneof >= maxOneofs {
			return fmt.Errorf("too many oneofs")
		}
	}
	m.fields[f.Number] = f
	return nil
}

// MustParse is Parse for a table that is part of the program.
func MustParse(text string) Schema {
	s, err := Parse(text)
	if err != nil {
		panic("protowalk: " + err.Error())
	}
	return s
}
