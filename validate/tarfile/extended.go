package tarfile

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/loadlock/loadlock/validate"
)

// pending is what extension headers say about the member that follows.
type pending struct {
	name, target string // GNU's long ones
	pax          map[string]string
	any          bool
	at           int64
}

// Keys of extended headers that change nothing which is judged. Keys of vendors are known by their beginning.
var (
	paxKnown  = []string{"atime", "ctime", "mtime", "uid", "gid", "uname", "gname", "comment", "charset", "hdrcharset", "path", "linkpath", "size"}
	paxVendor = []string{"SCHILY.dev", "SCHILY.ino", "SCHILY.nlink", "SCHILY.xattr.", "SCHILY.acl.", "SCHILY.fflags", "LIBARCHIVE.xattr.", "LIBARCHIVE.creationtime", "RHT.security.selinux", "MSWINDOWS.", "APK-TOOLS.checksum."}
)

// paxMax is the most that an extension header may have; names and attributes need some kilobytes.
const paxMax = 1 << 20

// extension reads the content of an extension header.
func (a *archive) extension(h *header, at int64) error {
	if h.size > paxMax {
		return validate.Malformed(at, "extension header of %d bytes", h.size)
	}
	b, err := a.p.Bytes(at+blockSize, h.size)
	if err != nil {
		return err
	}
	if !a.next.any {
		a.next.at = at
	}
	a.next.any = true
	switch h.kind {
	case kindLongName, kindLongLink:
		s, hidden := text(b)
		if hidden {
			a.p.Report(padding, at, "bytes behind the end of a long name")
		}
		field := &a.next.name
		if h.kind == kindLongLink {
			field = &a.next.target
		}
		if *field != "" {
			a.p.Report(extended, at, "two long names for one member")
		}
		*field = s
	case kindGlobalExtended:
		global := map[string]string{}
		if err := a.records(b, at, global); err != nil {
			return err
		}
		for _, key := range []string{"path", "linkpath", "size"} {
			if v, given := global[key]; given {
				a.p.Report(contents, at, "%s=%s for all members that follow", key, validate.Quote(v, 100))
			}
		}
		a.next = pending{}
	case kindSolarisExtend:
		a.p.Report(kind, at, "an extended header of Solaris")
		fallthrough
	default:
		if a.next.pax != nil {
			a.p.Report(extended, at, "two extended headers for one member")
		} else {
			a.next.pax = map[string]string{}
		}
		return a.records(b, at, a.next.pax)
	}
	return nil
}

// records reads "length key=value\n", again and again (POSIX.1-2017, pax Extended Header).
func (a *archive) records(b []byte, at int64, into map[string]string) error {
	for len(b) > 0 {
		digits, _, ok := bytes.Cut(b[:min(len(b), 20)], []byte(" "))
		n, err := strconv.ParseUint(string(digits), 10, 32)
		if !ok || err != nil || n > uint64(len(b)) || n < uint64(len(digits))+3 || digits[0] == '0' || b[n-1] != '\n' {
			return validate.Malformed(at+blockSize, "no record of an extended header: %s", validate.Quote(b, 20))
		}
		key, value, ok := strings.Cut(string(b[len(digits)+1:n-1]), "=")
		if !ok || key == "" {
			return validate.Malformed(at+blockSize, "a record without a key")
		}
		b = b[n:]
		if err := a.p.Charge(validate.Entries, 0); err != nil {
			return err
		}
		if _, twice := into[key]; twice {
			a.p.Report(extended, at, "key %s twice", validate.Quote(key, 60))
		}
		if !known(key) && !strings.HasPrefix(key, "GNU.sparse.") {
			a.p.Report(extended, at, "key %s", validate.Quote(key, 60))
		}
		into[key] = value
	}
	return nil
}

func known(key string) bool {
	for _, k := range paxKnown {
		if key == k {
			return true
		}
	}
	for _, k := range paxVendor {
		if strings.HasPrefix(key, k) {
			return true
		}
	}
	return false
}

// apply changes a header by what the extension headers in front of it say.
func (a *archive) apply(h *header, at int64) error {
	x := a.next
	a.next = pending{}
	two := func(what, gnu, pax string) {
		if gnu != "" && pax != "" && gnu != pax {
			a.p.Report(contents, at, "%s %s in a long name, %s in an extended header", what, validate.Quote(gnu, 100), validate.Quote(pax, 100))
		}
	}
	two("name", x.name, x.pax["path"])
	two("target", x.target, x.pax["linkpath"])
	for _, s := range []string{x.name, x.pax["path"]} {
		if s != "" {
			h.name = s
		}
	}
	for _, s := range []string{x.target, x.pax["linkpath"]} {
		if s != "" {
			h.target = s
		}
	}
	for key := range x.pax {
		if strings.HasPrefix(key, "GNU.sparse.") {
			a.p.Report(sparse, at, "member %s: %s", a.quote(h.name), validate.Quote(key, 60))
			break
		}
	}
	return a.applySize(h, x.pax, at)
}

// sizeField is the largest size that fits the header's octal digits.
const sizeField = 1<<33 - 1

// applySize takes the size of an extended header. A writer needs one above 8 GiB; then the header's own field holds
// what is left of it. A reader that does not know the key takes the content for members (CVE-2025-62518).
func (a *archive) applySize(h *header, pax map[string]string, at int64) error {
	s, given := pax["size"]
	if !given {
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 62)
	if err != nil || n < 0 || s[0] == '+' {
		return validate.Malformed(at, "size %s in an extended header", validate.Quote(s, 30))
	}
	if n != h.size && n <= sizeField {
		a.p.Report(contents, at, "member %s has %d bytes in its header and %d in the extended one", a.quote(h.name), h.size, n)
	}
	h.size = n
	return nil
}
