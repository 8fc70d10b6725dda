// Package media judges pictures, so that the ones a model comes with need not be withheld.
//
// References: PNG (W3C, third edition) section 5; JPEG (ITU T.81) annex B; GIF89a; RIFF container of WebP (RFC 9649).
//
// # Security
//
// A picture is claimed only if every byte of it belongs to a structure of its format, from the first to the last: a
// picture with an archive or a program behind it, between its parts or in a part that the format does not have is left
// unclaimed, which the policy withholds or refuses. Comments and metadata may hold any text. Pixels are not decoded;
// bugs of decoders are out of scope. A vector picture (SVG) is text; scripts in one are noted.
package media

import (
	"bytes"

	"github.com/loadlock/loadlock/validate"
)

var svgScript = &validate.Rule{ID: "media/svg-script", Title: "vector picture with a script or a reference to another file", Severity: validate.Low,
	Why:     "A browser that shows the picture by itself runs the script; nothing that loads weights does.",
	Fix:     "do not open the picture in a browser",
	Hostile: `<svg><script>…</script></svg>`, Benign: `<svg><path d="M0 0"/></svg>`}

// Scanner judges pictures.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "media", Doc: "PNG, JPEG, GIF and WebP pictures, part by part; scripts in SVG", Version: 1,
		Rules: []*validate.Rule{svgScript}, Match: match, Scan: scan,
	}
}

func match(h validate.Head) bool {
	if isSVG(h) {
		return true
	}
	whole := reader(h.Start)
	return whole != nil && h.Size <= maxPicture && whole(&cursor{r: h, size: h.Size})
}

// reader chooses what checks the picture.
func reader(b []byte) func(*cursor) bool {
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return png
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return jpeg
	case bytes.HasPrefix(b, []byte("GIF87a")), bytes.HasPrefix(b, []byte("GIF89a")):
		return gif
	case len(b) >= 12 && bytes.HasPrefix(b, []byte("RIFF")) && string(b[8:12]) == "WEBP":
		return webp
	}
	return nil
}

func isSVG(h validate.Head) bool { return validate.Ext(h.Name) == ".svg" && h.Text() }

func scan(p *validate.Pass) error {
	if validate.Ext(p.Name) == ".svg" {
		return scanSVG(p)
	}
	p.Clear(0, p.Size, "picture") // it was read from end to end when it was recognised
	return nil
}

// marks are what makes a vector picture more than a picture. They are looked for without reading the XML: a note needs
// no certainty.
var marks = [][]byte{[]byte("<script"), []byte("javascript:"), []byte("onload="), []byte("onerror="), []byte("onclick="), []byte("<foreignobject"), []byte("<!entity")}

func scanSVG(p *validate.Pass) error {
	found := false
	var tail []byte
	return p.ReadText(func(off int64, chunk []byte) error {
		lower := append(tail, bytes.ToLower(chunk)...)
		for _, m := range marks {
			if i := bytes.Index(lower, m); i >= 0 && !found {
				found = true
				p.ReportAt(svgScript, validate.Place{Offset: off, Evidence: validate.Quote(m, 20)}, "%s", validate.Quote(m, 20))
			}
		}
		tail = bytes.Clone(lower[max(0, len(lower)-16):])
		p.Clear(off, int64(len(chunk)), "vector picture")
		return nil
	})
}
