package pysource

import (
	"slices"

	"github.com/loadlock/loadlock/validate"
)

var byteCodeExtensions = []string{".pyc", ".pyo"}

// isByteCode recognises compiled Python by name, or by the magic number that ends in \r\n since Python 1.5
// (importlib._bootstrap_external.MAGIC_NUMBER), followed by flags of 0 to 3.
func isByteCode(h validate.Head) bool {
	b := h.Start
	return slices.Contains(byteCodeExtensions, validate.Ext(h.Name)) ||
		len(b) >= 17 && b[2] == '\r' && b[3] == '\n' && b[1] == 0x0d && b[4] <= 3 && b[5] == 0 && b[6] == 0 && b[7] == 0 && b[16] == 0xe3
}

func scanByteCode(p *validate.Pass) error {
	p.IsCode()
	p.ReportAt(notCode, validate.Place{Capability: unresolved}, "%d bytes of compiled Python", p.Size)
	p.Clear(0, p.Size, "compiled Python")
	return nil
}
