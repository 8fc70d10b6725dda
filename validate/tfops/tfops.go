// Package tfops is the vetted list of TensorFlow's operators, for graphs and for the models of TensorFlow Lite that run
// them.
//
// # Security
//
// An operator that is in no group was not vetted and is not cleared. The groups say what an operator can do, not what a
// graph does with it.
package tfops

import (
	_ "embed"
	"slices"
	"strings"
)

//go:embed ops.txt
var text string

// Group is what an operator can do.
type Group string

// The groups of ops.txt.
const (
	Pure       Group = "pure"
	Checkpoint Group = "checkpoint"
	Attribute  Group = "attribute"
	Text       Group = "text"
	Python     Group = "python"
	File       Group = "file"
	Network    Group = "network"
	Database   Group = "database"
	Process    Group = "process"
	Compiled   Group = "compiled"
)

var groups = []Group{Pure, Checkpoint, Attribute, Text, Python, File, Network, Database, Process, Compiled}

// Read gives the group of each vetted operator.
func Read() map[string]Group { return read(text) }

// read is strict: a mistake in the list is a mistake of the program.
func read(text string) map[string]Group {
	ops := map[string]Group{}
	var group Group
	for line := range strings.Lines(text) {
		switch line = strings.TrimSpace(line); {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			name, reason, ok := strings.Cut(line[1:], "] ")
			if group = Group(name); !ok || reason == "" || !slices.Contains(groups, group) {
				panic("tfops: want [group] reason: " + line)
			}
		default:
			for _, op := range strings.Fields(line) {
				if ops[op] != "" || group == "" {
					panic("tfops: " + op + " twice, or in no group")
				}
				ops[op] = group
			}
		}
	}
	return ops
}
