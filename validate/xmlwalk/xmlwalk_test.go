package xmlwalk

import (
	"bytes"
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

var walking = NewRules("xml", "net")

var scanners = []*validate.Scanner{{Name: "xml", Rules: walking.All(), Match: func(validate.Head) bool { return true },
	Scan: func(p *validate.Pass) error { return Walk(p, walking, Visitor{}) }}}

func run(b string) validate.Report {
	return validate.ScanReader(context.Background(), scanners, "m.xml", bytes.NewReader([]byte(b)), int64(len(b)), validatetest.Policy().Scan)
}

func TestOrdinaryXMLIsCleared(t *testing.T) {
	for name, b := range map[string]string{
		"a root":          `<net/>`,
		"a declaration":   `<?xml version="1.0" encoding="UTF-8"?>` + "\n<net a='1' b=\"2\"><!-- text --><x>é &amp; &#65;</x><![CDATA[ <y> ]]></net>\n",
		"a mark of UTF-8": "\xef\xbb\xbf<?xml version=\"1.0\"?><net/>",
		"namespaces":      `<n:net xmlns:n="http://example.com" n:a="1" a="2"/>`,
	} {
		if rep := run(b); len(rep.Findings) > 0 || !rep.Files[0].Cleared {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

func TestHostileXMLIsFound(t *testing.T) {
	const broken = "validate/unparsable"
	for name, tt := range map[string]struct {
		b, rule string
		at      int64
	}{
		"an external entity":            {`<!DOCTYPE net [<!ENTITY x SYSTEM "file:///etc/passwd">]><net>&x;</net>`, "xml/doctype", 0},
		"a billion laughs":              {`<net/><!DOCTYPE net [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>`, "xml/doctype", 6},
		"an external subset":            {`<!DOCTYPE net SYSTEM "http://example.com/x.dtd"><net/>`, "xml/doctype", 0},
		"an undeclared entity":          {`<net>&x;</net>`, broken, -1},
		"an inclusion":                  {`<net xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd"/></net>`, "xml/include", 48},
		"an inclusion, other prefix":    {`<net xmlns:y="http://www.w3.org/2001/XInclude"><y:include href="/etc/passwd"/></net>`, "xml/include", -1},
		"an inclusion, no prefix":       {`<net><include xmlns="http://www.w3.org/2001/XInclude" href="x"/></net>`, "xml/include", -1},
		"a style sheet":                 {`<?xml version="1.0"?><?xml-stylesheet href="x.xsl"?><net/>`, "xml/instruction", 21},
		"a declaration further on":      {`<net><?xml version="1.0"?></net>`, "xml/instruction", 5},
		"an attribute twice":            {`<net a="1" a="2"/>`, "xml/repeated-attribute", 0},
		"two roots":                     {`<net/><net/>`, broken, 6},
		"no root":                       {`<!-- -->`, broken, -1},
		"text behind the root":          {`<net/>MZ`, broken, -1},
		"a root that does not end":      {`<net>`, broken, -1},
		"tags that cross":               {`<a><b></a></b>`, broken, -1},
		"another encoding":              {`<?xml version="1.0" encoding="UTF-7"?><net/>`, broken, -1},
		"UTF-16":                        {"\xff\xfe<\x00n\x00", broken, -1},
		"a control character":           {"<net>\x00</net>", broken, -1},
		"invalid UTF-8":                 {"<net>\xff</net>", broken, -1},
		"deep nesting":                  {strings.Repeat("<a>", 300) + strings.Repeat("</a>", 300), broken, -1},
		"a comment of two megabytes":    {"<net><!--" + strings.Repeat("x", 2<<20) + "--></net>", broken, -1},
		"an attribute of two megabytes": {`<net a="` + strings.Repeat("x", 2<<20) + `"/>`, broken, -1},
	} {
		rep := run(tt.b)
		if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule && (tt.at < 0 || f.Offset == tt.at) }) {
			t.Errorf("%s: want %s\n%s", name, tt.rule, validatetest.Show(rep))
		}
	}
}

func TestTheRootIsGuessed(t *testing.T) {
	for b, want := range map[string]string{"<?xml version='1.0'?><!-- x --> <net a='1'>": "net", "\xef\xbb\xbf<PMML>": "PMML", "text": "", "": "", "<!-- <net> ": ""} {
		if got := Root([]byte(b)); got != want {
			t.Errorf("%q: %q", b, got)
		}
	}
}

func FuzzWalk(f *testing.F) {
	f.Add([]byte(`<?xml version="1.0"?><net a="1"><!-- c --><x>&amp;</x></net>`))
	f.Add([]byte("\xef\xbb\xbf<!DOCTYPE x><net/>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rep := run(string(b))
		if again := run(string(b)); !reflect.DeepEqual(rep.Findings, again.Findings) {
			t.Fatal("two scans differ")
		}
		for _, x := range rep.Findings {
			if x.Offset < 0 || x.Offset > int64(len(b)) {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
		if rep.Files[0].Cleared && len(rep.Findings) == 0 && bytes.Contains(b, []byte("<!ENTITY")) && !bytes.Contains(b, []byte("<!--")) && !bytes.Contains(b, []byte("CDATA")) {
			t.Fatal("an entity is cleared")
		}
	})
}

func BenchmarkWalk(b *testing.B) {
	data := `<net>` + strings.Repeat(`<layer id="1" name="a" type="Const"><data offset="0" size="4"/></layer>`, 10_000) + `</net>`
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if rep := run(data); !rep.Files[0].Cleared {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
