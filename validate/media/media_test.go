package media

import (
	"bytes"
	"context"
	"image"
	"image/color"
	stdgif "image/gif"
	stdjpeg "image/jpeg"
	stdpng "image/png"
	"math"
	"reflect"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func scanAs(name string, b []byte) validate.Report {
	return validatetest.Kept(name, b, validate.ScanReader(context.Background(), []*validate.Scanner{Scanner()}, name, bytes.NewReader(b), int64(len(b)), validatetest.Policy().Scan))
}

func clean(rep validate.Report) bool { return rep.Files[0].Cleared && len(rep.Findings) == 0 }

// pictures are written by the standard library; WebP it does not write.
func pictures(t testing.TB) map[string][]byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for i := range 64 * 64 {
		m.Set(i%64, i/64, color.RGBA{uint8(i * 7), uint8(math.Sin(float64(i)) * 120), uint8(i), 255})
	}
	var p, j, g bytes.Buffer
	for _, err := range []error{stdpng.Encode(&p, m), stdjpeg.Encode(&j, m, nil), stdgif.Encode(&g, m, nil)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return map[string][]byte{"a.png": p.Bytes(), "b.jpg": j.Bytes(), "c.gif": g.Bytes(), "d.webp": []byte("RIFF\x12\x00\x00\x00WEBPVP8L\x05\x00\x00\x00\x2f\x00\x00\x00\x00\x00")}
}

func TestPicturesAreCleared(t *testing.T) {
	for name, b := range pictures(t) {
		for _, as := range []string{name, "x"} {
			if rep := scanAs(as, b); !clean(rep) {
				t.Errorf("%s\n%s", name, validatetest.Show(rep))
			}
		}
	}
}

func TestPicturesWithMoreAreNotClaimed(t *testing.T) {
	for name, b := range pictures(t) {
		for how, bad := range map[string][]byte{
			"a byte behind": append(bytes.Clone(b), 0), "an archive behind": append(bytes.Clone(b), "PK\x05\x06"...), "a byte less": b[:len(b)-1], "half": b[:len(b)/2],
		} {
			if rep := scanAs(name, bad); len(rep.Files[0].Scanners) != 0 || rep.Files[0].Cleared {
				t.Errorf("%s, %s\n%s", name, how, validatetest.Show(rep))
			}
		}
	}
	p := pictures(t)["a.png"]
	foreign := append(bytes.Clone(p[:33]), append([]byte("\x00\x00\x00\x02evIl<?\x00\x00\x00\x00"), p[33:]...)...)
	if rep := scanAs("a.png", foreign); rep.Files[0].Cleared {
		t.Error("a chunk that PNG does not have is cleared")
	}
}

func TestScriptsInVectorPicturesAreNoted(t *testing.T) {
	if rep := scanAs("a.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>`)); !clean(rep) {
		t.Error(validatetest.Show(rep))
	}
	for _, s := range []string{`<svg><SCRIPT>x</SCRIPT></svg>`, `<svg onload="x"/>`} {
		rep := scanAs("a.svg", []byte(s))
		if !rep.Files[0].Cleared || len(rep.Findings) != 1 || rep.Findings[0].Rule != "media/svg-script" {
			t.Error(validatetest.Show(rep))
		}
	}
}

func FuzzMedia(f *testing.F) {
	for name, b := range pictures(f) {
		f.Add(name, b)
	}
	f.Add("a.svg", []byte("<svg><script"))
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		rep, again := scanAs(name, b), scanAs(name, b)
		if !reflect.DeepEqual(rep.Findings, again.Findings) || !reflect.DeepEqual(rep.Files, again.Files) {
			t.Fatal("two scans differ")
		}
		if clean(rep) && validate.Ext(name) != ".svg" && clean(scanAs(name, b[:len(b)-1])) {
			t.Fatal("cut, it is cleared too")
		}
	})
}

func BenchmarkJPEG(b *testing.B) {
	data := pictures(b)["b.jpg"]
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if !clean(scanAs("b.jpg", data)) {
			b.Fatal("not cleared")
		}
	}
}
