package tflite

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// labelled is a model with an archive behind it, whose offsets count from the start of the file, as Python's zipfile
// writes when it appends.
func labelled(t *testing.T, model []byte, comment string) []byte {
	t.Helper()
	b := bytes.NewBuffer(slices.Clone(model))
	z := zip.NewWriter(b)
	z.SetOffset(int64(len(model)))
	f, err := z.CreateRaw(&zip.FileHeader{Name: "labels.txt", Method: zip.Store, CompressedSize64: 8, UncompressedSize64: 8, CRC32: crc32.ChecksumIEEE([]byte("cat\ndog\n"))})
	if err == nil {
		_, err = f.Write([]byte("cat\ndog\n"))
	}
	if err == nil {
		err = z.SetComment(comment)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLabelsBehindTheModelAreLeftToTheArchive(t *testing.T) {
	plain := file(model3([]tab{builtin(0)}))
	good := labelled(t, plain, "")
	for name, tt := range map[string]struct {
		b       []byte
		cleared bool
	}{
		"labels":                      {good, true},
		"labels after padding":        {labelled(t, append(slices.Clone(plain), make([]byte, 100)...), ""), true},
		"bytes in between":            {labelled(t, append(slices.Clone(plain), "MZ"...), ""), false},
		"a member that is not listed": {labelled(t, append(slices.Clone(plain), "PK\x03\x04 hidden"...), ""), false},
		"a comment":                   {labelled(t, plain, "PK"), false},
		"bytes behind the archive":    {append(slices.Clone(good), 0), false},
		"an archive that is cut":      {good[:len(good)-1], false},
		"shifted offsets":             {append(slices.Clone(plain), labelled(t, nil, "")...), false},
		"a first member elsewhere":    {at(good, len(good)-endSize-len("labels.txt")-4, 0, 0, 0, 0), false},
		"a directory elsewhere":       {at(good, len(good)-6, 1, 0, 0, 0), false},
	} {
		rep := scanAs("m.tflite", tt.b)
		worst := slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Severity > validate.Low })
		if rep.Files[0].Cleared != tt.cleared || worst == tt.cleared {
			t.Errorf("%s: want cleared %v\n%s", name, tt.cleared, validatetest.Show(rep))
		}
	}
	if rep := scanAs("m.tflite", good); rep.Findings[0].Rule != "tflite/labels" || rep.Findings[0].Offset != int64(len(plain)) || binary.LittleEndian.Uint32(good[len(plain):]) != 0x04034b50 {
		t.Error(validatetest.Show(rep))
	}
}

// at is b with other bytes at a place.
func at(b []byte, off int, bytes ...byte) []byte {
	b = slices.Clone(b)
	copy(b[off:], bytes)
	return b
}
