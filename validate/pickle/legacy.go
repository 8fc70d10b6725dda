package pickle

import (
	"github.com/loadlock/loadlock/validate"
)

// The format that torch.save wrote before 1.6, and writes on request: five pickles (a magic number, a version,
// facts about the machine, the object, the keys of its storages), then for each key the number of elements and
// the raw data (torch/serialization.py, _legacy_save).

// legacyMagic is 0x1950a86a20f9469cfc6c as LONG1 writes it.
const legacyMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"

const legacyVersion = 1001

// legacyKeys bounds the list of storage keys that is kept.
const legacyKeys = 1 << 16

func isLegacyMagic(v *value) bool { return v.kind == kLong && v.text == legacyMagic && v.n == 10 }

// legacy goes on after the magic number.
func (s *scan) legacy() error {
	version, err := s.stream(keepItems)
	if err != nil || version == nil {
		return err
	}
	if version.kind != kInt || version.n != legacyVersion {
		s.j.note(ruleBroken, s.pos, "old torch format with version %s, not %d", render(version), legacyVersion)
		return nil
	}
	for range 2 { // facts about the machine, then the object
		if v, err := s.stream(keepItems); err != nil || v == nil {
			return err
		}
	}
	keys, err := s.stream(legacyKeys)
	if err != nil || keys == nil {
		return err
	}
	if keys.kind != kList || keys.cut() {
		s.j.note(ruleBroken, s.pos, "the keys of the storages are %s", kindWords[keys.kind])
		return nil
	}
	seen := map[string]bool{}
	for _, k := range keys.items {
		key, ok := k.str()
		st := s.j.storages[key]
		if !ok || st == nil || seen[key] {
			s.j.note(ruleBroken, k.off, "storage key %s is unknown or repeated", render(k))
			return nil
		}
		seen[key] = true
		if ok, err := s.rawStorage(st); !ok || err != nil {
			return err
		}
	}
	if len(seen) != len(s.j.storages) {
		s.j.note(ruleBroken, s.pos, "%d storages are named, %d are there", len(s.j.storages), len(seen))
		return nil
	}
	if s.pos < s.p.Size {
		s.j.note(ruleTrailing, s.pos, "%d bytes after the last storage", s.p.Size-s.pos)
	}
	return nil
}

// rawStorage checks the count in front of one storage and clears count and data without reading the data.
func (s *scan) rawStorage(st *storage) (bool, error) {
	if s.p.Size-s.pos < 8 {
		s.j.note(ruleBroken, s.pos, "the file ends before storage %s", quote(st.key))
		return false, nil
	}
	if err := s.p.Charge(validate.PickleOps, 1); err != nil {
		return false, err
	}
	b, err := s.p.Bytes(s.pos, 8)
	if err != nil {
		return false, err
	}
	count := uint64le(b)
	switch {
	case count != uint64(st.bytes/st.width):
		s.j.note(ruleTensor, s.pos, "storage %s holds %d elements, the object says %d", quote(st.key), count, st.bytes/st.width)
		return false, nil
	case st.bytes > s.p.Size-s.pos-8:
		s.j.note(ruleBroken, s.pos, "storage %s has %d bytes, the file has %d left", quote(st.key), st.bytes, s.p.Size-s.pos-8)
		return false, nil
	}
	s.p.Clear(s.pos, 8+st.bytes, "tensor storages")
	s.pos += 8 + st.bytes
	return true, nil
}
