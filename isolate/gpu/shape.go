package gpu

import (
	"strconv"
	"strings"
)

// What of the host ends in a path or a variable has one of the shapes below; anything else is a Problem.

// like reports whether s has the shape of a pattern, in which x stands for a hexadecimal digit.
func like(pattern, s string) bool {
	if len(pattern) != len(s) {
		return false
	}
	for i := range len(s) {
		if pattern[i] != 'x' && pattern[i] != s[i] || pattern[i] == 'x' && !strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i])) {
			return false
		}
	}
	return true
}

const uuid = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"

// isBusID: a PCI address as sysfs writes it, "0000:17:00.0". A domain has four digits, or more where a host bridge is virtual.
func isBusID(s string) bool {

	return len(s) > 0 && s[len(s)-1] < '8' && s == strings.ToLower(s) && (like("xxxx:xx:xx.x", s) || like("xxxxx:xx:xx.x", s) || like("xxxxxxxx:xx:xx.x", s))
}

// isUUID: NVIDIA's 128 bits, or AMD's 64.
func isUUID(s string) bool { return like("GPU-"+uuid, s) || like("GPU-xxxxxxxxxxxxxxxx", s) }

// busIDOf is a PCI address as people write it: nvidia-smi prints "00000000:3B:00.0".
func busIDOf(s string) string {
	s = strings.ToLower(s)
	if like("0000xxxx:xx:xx.x", s) {
		s = s[4:]
	}
	return s
}

func isMIG(s string) bool { return like("MIG-"+uuid, s) }

// isVersion: two to four numbers with dots between, "580.95.05".
func isVersion(s string) bool {
	parts := strings.Split(s, ".")
	for _, p := range parts {
		if _, ok := number(p, 99999); !ok {
			return false
		}
	}
	return len(parts) >= 2 && len(parts) <= 4
}

// number reads a decimal number from 0 to most.
func number(s string, most uint64) (uint64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && n <= most
}

// isName: a component of a path in sysfs.
func isName(s string) bool {
	return s != "" && s != "." && s != ".." && len(s) <= 128 && strings.IndexFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-:+", r))
	}) < 0
}

// plain is a word or line of the host without what a terminal would obey, at most 128 bytes.
func plain(s string) string { return printable(s, 128) }

// printable is the ASCII of a text that is no control character.
func printable(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), most)]
}
