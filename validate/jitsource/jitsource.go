// Package jitsource tells TorchScript source from Python source, for every scanner that would claim a ".py" name.
//
// A TorchScript archive holds "<prefix>/code/__torch__….py". No interpreter of Python runs these members: torch's own
// importer compiles them, with nothing in scope but torch's operators (torch/csrc/jit/serialization/import_source.cpp).
// validate/torchscript judges them and reports everything in them that is not TorchScript, so a scanner of Python
// source may leave them to it. It marks as code what is not inside an archive.
package jitsource

import (
	"bytes"
	"strings"

	"github.com/loadlock/loadlock/validate"
)

// Is reports whether a member is TorchScript source, by its place in an archive and by how it begins.
func Is(h validate.Head) bool {
	return strings.HasSuffix(h.Name, ".py") && underCode(h.Name) && h.Text() && begins(h.Start)
}

// underCode asks for "code/__torch__.py" or a file below "code/__torch__/", below at most one folder.
func underCode(name string) bool {
	parts := strings.Split(name, "/")
	if len(parts) > 1 && parts[0] != "code" {
		parts = parts[1:]
	}
	return len(parts) >= 2 && parts[0] == "code" && (parts[1] == "__torch__.py" || parts[1] == "__torch__" && len(parts) > 2)
}

// begins knows the statements that the printer writes at the start of a line (python_print.cpp).
func begins(b []byte) bool {
	b = bytes.TrimLeft(b, " \r\n\t")
	for _, s := range []string{"class ", "def ", "op_version_set = ", "import __torch__"} {
		if bytes.HasPrefix(b, []byte(s)) {
			return true
		}
	}
	return len(b) == 0
}
