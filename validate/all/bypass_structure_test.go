package all_test

import (
	"fmt"
	"strings"

	"github.com/loadlock/loadlock/validate"
)

const (
	tensorHead = "PROTO 2; GLOBAL torch._utils _rebuild_tensor_v2; MARK; " + storage7 + "BININT1 0; "
	tensorTail = "; NEWFALSE; GLOBAL collections OrderedDict; EMPTY_TUPLE; REDUCE; TUPLE; REDUCE; STOP"
	tensorOf2  = tensorHead + "BININT1 2; TUPLE1; BININT1 1; TUPLE1" + tensorTail
	tensorOf9  = tensorHead + "BININT1 9; TUPLE1; BININT1 1; TUPLE1" + tensorTail

	legacyHead = "PROTO 2; HEX 8a0a6cfc9c46f9206aa85019; STOP; PROTO 2; BININT2 1001; STOP; PROTO 2; EMPTY_DICT; STOP; "
	legacyTail = "PROTO 2; EMPTY_LIST; BINUNICODE 7; APPEND; STOP; HEX 0200000000000000; RAW 12345678"
	legacy     = legacyHead + "PROTO 2; " + storage7 + "STOP; " + legacyTail

	arrayHead = "PROTO 2; EMPTY_LIST; GLOBAL joblib.numpy_pickle NumpyArrayWrapper; EMPTY_TUPLE; NEWOBJ; EMPTY_DICT; MARK; BINUNICODE subclass; GLOBAL numpy ndarray; BINUNICODE shape; BININT1 2; TUPLE1; " +
		"BINUNICODE order; BINUNICODE C; BINUNICODE dtype; GLOBAL numpy dtype; BINUNICODE f8; NEWFALSE; NEWTRUE; TUPLE3; REDUCE; MARK; BININT1 3; BINUNICODE <; NONE; NONE; NONE; BININT -1; BININT -1; BININT1 0; TUPLE; BUILD; " +
		"BINUNICODE allow_mmap; NEWTRUE; BINUNICODE numpy_array_alignment_bytes; BININT1 16; SETITEMS; BUILD; HEX 02ffff; RAW 0123456789abcdef; APPEND; "
)

// pickleStructure are rows 26 to 35: where readers of pickles lose their place.
func pickleStructure() []technique {
	named := func(x technique, name string) technique { x.file, x.nearFile = name, name; return x }
	payload := "PROTO 2; GLOBAL os system; BINUNICODE id; TUPLE1; REDUCE; "
	list := []technique{
		odd(26, "", "a number in hexadecimal", "INT 0x10; STOP", "pickle/divergence", "I0x", "INT 16; STOP"),
		odd(26, "", "a number with a tail behind a NUL", `INT "1\x002"; STOP`, "pickle/divergence", "I1", "INT 1; STOP"),
		odd(26, "", "a number with an underscore", "LONG 1_0L; STOP", "pickle/divergence", "L1", "LONG 10L; STOP"),
		odd(26, "", "an octal number", "INT 010; STOP", "pickle/divergence", "I01", "INT 8; STOP"),
		odd(28, "", "PROTO in the middle", "PROTO 2; NONE; PROTO 4; STOP", "pickle/protocol", "\x80\x04", "PROTO 4; NONE; STOP"),
		odd(28, "", "opcodes of protocol 4 without PROTO", "SHORT_BINUNICODE a; STOP", "pickle/protocol", "^", "PROTO 4; SHORT_BINUNICODE a; STOP"),
		odd(28, "", "PROTO twice", "PROTO 4; PROTO 2; NONE; STOP", "pickle/protocol", "\x80\x02", "PROTO 4; NONE; STOP"),
		odd(28, "", "PROTO 9", "PROTO 9; NONE; STOP", "pickle/protocol", "\x80", "PROTO 5; NONE; STOP"),
		call(29, "", "an argument that crosses the end of its frame", "PROTO 4; FRAME 6; SHORT_BINUNICODE abcdefgh; STOP", "pickle/frame-desync", "\x8c", "PROTO 4; FRAME 11; SHORT_BINUNICODE abcdefgh; STOP"),
		call(29, "", "a frame opened inside a frame", "PROTO 4; FRAME 12; FRAME 2; NONE; STOP; NONE", "pickle/frame-desync", "", "PROTO 4; FRAME 2; NONE; STOP"),
		odd(29, "", "a frame longer than the file", "PROTO 4; FRAME 4000; NONE; STOP", "pickle/frame", "\x95", "PROTO 4; FRAME 2; NONE; STOP"),
		call(30, "", "a bad opcode behind the payload", payload+"HEX ff", denied, callAt, ordered),
		call(30, "", "no STOP behind the payload", payload+"NONE", "pickle/broken", "RN^", ordered),
		call(30, "GHSA-m273-6v24-x4m4", "a cut string behind the payload", payload+"HEX 58ff00000061", denied, callAt, ordered),
		call(30, "", "an unset memo behind the payload", payload+"BINGET 9; STOP", "pickle/broken", "R^h", ordered),
		call(30, "", "a quote that does not end behind the payload", payload+"STRING 'x; STOP", "pickle/broken", "R^S", ordered),
		call(30, "", "a number that is none behind the payload", payload+"INT x; STOP", "pickle/broken", "R^I", ordered),
		call(30, "", "invalid UTF-8 behind the payload", payload+"HEX 58 01000000 ff; STOP", "pickle/broken", "R^X", ordered),
		call(30, "", "an empty stack behind the payload", payload+"POP; POP; STOP", "pickle/broken", "R0^0.", ordered),
		call(31, "", "a payload in the second stream", "PROTO 2; NONE; STOP; "+payload+"STOP", denied, callAt, "PROTO 2; NONE; STOP; PROTO 2; NONE; STOP"),
		call(31, "", "a payload in the tenth stream", strings.Repeat("PROTO 2; NONE; STOP; ", 9)+payload+"STOP", denied, callAt, strings.Repeat("PROTO 2; NONE; STOP; ", 9)+"NONE; STOP"),
		nested(call(31, "", "a payload behind padding", "PROTO 2; NONE; STOP; HEX 00000000; "+payload+"STOP", denied, callAt, "PROTO 2; NONE; STOP; PROTO 2; NONE; STOP"), assembled(payload+"STOP")),
		call(35, "", "a payload behind 240,000 opcodes", "PROTO 2; REPEAT 120000 NONE; REPEAT 120000 POP; "+system, denied, callAt, "PROTO 2; EMPTY_LIST; REPEAT 120000 NONE; REPEAT 120000 POP; STOP"),
		call(35, "", "a payload behind a megabyte of text", "PROTO 2; BINUNICODE "+strings.Repeat("x", 1<<20)+"; POP; "+system, denied, callAt, "PROTO 2; BINUNICODE "+strings.Repeat("x", 1<<20)+"; STOP"),
		odd(32, "", "bytes behind STOP", "PROTO 2; NONE; STOP; HEX ffffff", "pickle/trailing-bytes", "\xff\xff\xff", "PROTO 2; NONE; STOP"),
		named(call(33, "", "a payload behind the numbers of a joblib array", arrayHead+system, denied, callAt, arrayHead+"STOP"), "model.joblib"),
		odd(35, "", "a declared length of 2^63-1", "PROTO 4; HEX 8effffffffffffff7f61", "pickle/broken", "\xff\x7f^a", "PROTO 4; BINBYTES8 a; STOP"),
		odd(35, "", "a memo index of 4 G", "PROTO 2; NONE; HEX 72ffffffff; STOP", "pickle/excessive", "r\xff", "PROTO 2; NONE; LONG_BINPUT 9; STOP"),
		odd(35, "", "a key whose hash visits 2^40 values", "PROTO 2; EMPTY_DICT; EMPTY_TUPLE; "+strings.Repeat("DUP; TUPLE2; ", 40)+"NONE; SETITEM; STOP", "pickle/excessive", "N^s", "PROTO 2; EMPTY_DICT; EMPTY_TUPLE; DUP; TUPLE2; NONE; SETITEM; STOP"),
		odd(35, "", "lists in lists, 50,000 deep", "PROTO 2; REPEAT 50000 EMPTY_LIST; REPEAT 49999 APPEND; STOP", "pickle/excessive", "", "PROTO 2; REPEAT 50 EMPTY_LIST; REPEAT 49 APPEND; STOP"),
		odd(35, "", "a key of 100,000 nested tuples", "PROTO 2; MARK; EMPTY_TUPLE; REPEAT 100000 TUPLE1; NONE; DICT; STOP", "pickle/excessive", "", "PROTO 2; MARK; EMPTY_TUPLE; REPEAT 10 TUPLE1; NONE; DICT; STOP"),
		odd(35, "", "three million values alive", "PROTO 2; EMPTY_TUPLE; REPEAT 3000000 TUPLE1; STOP", "pickle/excessive", "", "PROTO 2; EMPTY_LIST; REPEAT 120000 NONE; REPEAT 120000 POP; STOP"),
	}
	return append(list, polyglots()...)
}

// polyglots are row 34: files that are two things, and what two formats claim.
func polyglots() []technique {
	evil := string(assembled("PROTO 2; " + system))
	zipped := string(holding("m/data.pkl", evil))
	covered := fmt.Sprintf(`{"a":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}`, len(zipped), len(zipped))
	harmless := `{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`
	return []technique{
		{row: 34, how: "a pickle, then an archive", file: "model.pt", bytes: append(assembled("PROTO 2; NONE; STOP"), zipped...), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: assembled("PROTO 2; NONE; STOP")},
		{row: 34, how: "text, then an archive", file: "model.zip", bytes: []byte("#!/bin/sh\n" + zipped), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: holding("m/a.txt", "text\n")},
		{row: 34, how: "an archive as a tensor of safetensors", file: "model.safetensors", bytes: safetensors(covered, []byte(zipped)), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: safetensors(harmless, []byte("PK\x03\x04"))},
		{row: 34, how: "a pickle, then safetensors", file: "model.safetensors", bytes: append(assembled("PROTO 2; "+system), safetensors("{}", nil)...), want: reject, rule: denied, at: callAt, near: safetensors("{}", nil)},
		{row: 34, how: "an archive, then a pickle", file: "model.pt", bytes: append(holding("m/a.txt", "text\n"), evil...), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: holding("m/a.txt", "text\n")},
	}
}

// legacyCheckpoints are row 47: the forms of torch before the archive.
func legacyCheckpoints() []technique {
	evil := "PROTO 2; " + system + "; "
	return []technique{
		{row: 47, how: "legacy torch, payload in the first stream", file: "model.pt", bytes: assembled(evil + legacy), want: reject, rule: denied, at: callAt, near: assembled(legacy)},
		{row: 47, how: "legacy torch, payload in the fourth stream", file: "model.pt", bytes: assembled(legacyHead + evil + legacyTail), want: reject, rule: denied, at: callAt, near: assembled(legacy)},
		{row: 47, how: "legacy torch, payload in the fifth stream", file: "model.pt", bytes: assembled(legacyHead + "PROTO 2; " + storage7 + "STOP; " + evil), want: reject, rule: denied, at: callAt, near: assembled(legacy)},
		{row: 47, how: "torch of 2016, a tar", file: "model.pt", bytes: taped("pickle", string(assembled(evil))), inner: assembled(evil), want: reject, rule: denied, at: callAt, near: taped("notes.txt", "text\n")},
	}
}

// storages are row 63: what weights_only takes on trust.
func storages() []technique {
	torch := func(how, refs, rule, at string, b []byte) technique {
		return technique{row: 63, refs: refs, how: how, file: "model.pt", bytes: b, want: unsure, rule: rule, at: at, near: checkpoint(string(assembled(tensorOf2)), "12345678")}
	}
	set := "PROTO 2; GLOBAL torch._utils _rebuild_tensor_v2; MARK; " + storage7 + "BININT1 0; BININT1 2; TUPLE1; BININT1 1; TUPLE1; NEWFALSE; GLOBAL collections OrderedDict; EMPTY_TUPLE; REDUCE; TUPLE; REDUCE; BININT1 0; BININT1 1; SETITEM; STOP"
	onTensor := torch("SETITEM on a tensor", "CVE-2026-24747", "pickle/argument-shape", "s.", checkpoint(string(assembled(set)), "12345678"))
	onTensor.want, onTensor.inner = validate.Reject, assembled(set)
	return []technique{
		onTensor,
		nested(torch("a tensor larger than its storage", "CVE-2026-24747", "pickle/tensor-outside-storage", "t^R.", checkpoint(string(assembled(tensorOf9)), "12345678")), assembled(tensorOf9)),
		torch("a storage shorter than declared", "CVE-2026-24747", "zip/storage", "little^PK\x03\x04", checkpoint(string(assembled(tensorOf2)), "1234")),
		torch("a storage that is missing", "", "zip/storage", "3\n^PK\x01\x02", holding("m/data.pkl", string(assembled(tensorOf2)), "m/version", "3\n")),
	}
}
