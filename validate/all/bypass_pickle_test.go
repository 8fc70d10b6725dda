package all_test

// call makes a pickle technique: rejected, with what stands at the finding's offset, and a near-miss that is admitted.
func call(row int, refs, how, hostile, rule, at, near string) technique {
	return technique{row: row, refs: refs, how: how, file: "model.pkl", bytes: assembled(hostile), want: reject, rule: rule, at: at, near: assembled(near)}
}

// odd is a pickle that is at best inconclusive.
func odd(row int, refs, how, hostile, rule, at, near string) technique {
	x := call(row, refs, how, hostile, rule, at, near)
	x.want = unsure
	return x
}

const (
	ordered  = "PROTO 2; GLOBAL collections OrderedDict; EMPTY_TUPLE; REDUCE; STOP"
	words    = "PROTO 4; SHORT_BINUNICODE posix; SHORT_BINUNICODE system; TUPLE2; STOP"
	system   = "GLOBAL posix system; BINUNICODE id; TUPLE1; REDUCE; STOP"
	storage7 = "MARK; BINUNICODE storage; GLOBAL torch FloatStorage; BINUNICODE 7; BINUNICODE cpu; BININT1 2; NONE; TUPLE; BINPERSID; "
	callAt   = "id\x85^R" // the call in system
	denied   = "pickle/global-denied"
	unknown  = "pickle/global-unknown"
)

// harmlessBytes is how a tensor looks that plain pickle wrote: bytes that are another pickle.
const harmlessBytes = "PROTO 3; GLOBAL torch.storage _load_from_bytes; BINBYTES \"\\x80\\x02}.\"; TUPLE1; REDUCE; STOP"

// nested says that the finding's offset counts in a file inside.
func nested(x technique, inner []byte) technique { x.inner = inner; return x }

// pickleCalls are rows 1 to 20: names, calls, and what counts as one.
func pickleCalls() []technique {
	return []technique{
		call(1, "", "GLOBAL and REDUCE", "PROTO 2; "+system, denied, callAt, ordered),
		call(1, "", "STACK_GLOBAL and REDUCE", "PROTO 4; SHORT_BINUNICODE builtins; SHORT_BINUNICODE exec; STACK_GLOBAL; SHORT_BINUNICODE 1; TUPLE1; REDUCE; STOP", denied, "\x85^R", words),
		call(2, "", "INST", "MARK; STRING 'id'; INST os system; STOP", denied, "ios", "MARK; INST collections OrderedDict; STOP"),
		call(2, "", "OBJ", "PROTO 2; MARK; GLOBAL os system; BINUNICODE id; OBJ; STOP", denied, "id^o", "PROTO 2; MARK; GLOBAL collections OrderedDict; OBJ; STOP"),
		call(3, "", "NEWOBJ alone: bytes(map(os.system, …))", "PROTO 2; GLOBAL builtins bytes; GLOBAL builtins map; GLOBAL os system; EMPTY_LIST; BINUNICODE id; APPEND; TUPLE2; NEWOBJ; TUPLE1; NEWOBJ; STOP", denied, "cos\n", "PROTO 2; GLOBAL collections OrderedDict; EMPTY_TUPLE; NEWOBJ; STOP"),
		call(3, "", "NEWOBJ_EX", "PROTO 4; GLOBAL subprocess Popen; EMPTY_TUPLE; EMPTY_DICT; SHORT_BINUNICODE args; SHORT_BINUNICODE id; SETITEM; NEWOBJ_EX; STOP", denied, "s^\x92", "PROTO 4; GLOBAL collections OrderedDict; EMPTY_TUPLE; EMPTY_DICT; NEWOBJ_EX; STOP"),
		call(4, "", "BUILD plants __setstate__", "PROTO 2; GLOBAL collections OrderedDict; EMPTY_TUPLE; NEWOBJ; EMPTY_DICT; BINUNICODE __setstate__; GLOBAL os system; SETITEM; BUILD; BINUNICODE id; BUILD; STOP", "pickle/dunder-state", "s^bX", "PROTO 2; EMPTY_DICT; BINUNICODE __setstate__; NEWTRUE; SETITEM; STOP"),
		call(5, "", "BUILD on a class", "PROTO 2; GLOBAL collections OrderedDict; EMPTY_DICT; BINUNICODE items; NONE; SETITEM; BUILD; STOP", "pickle/build-on-import", "s^b.", "PROTO 2; GLOBAL collections OrderedDict; EMPTY_TUPLE; NEWOBJ; EMPTY_DICT; BINUNICODE items2; NONE; SETITEM; BUILD; STOP"),
		call(5, "", "slot state on a function", "PROTO 2; GLOBAL numpy size; NONE; EMPTY_DICT; BINUNICODE __code__; NONE; SETITEM; TUPLE2; BUILD; STOP", "pickle/build-on-import", "\x86^b.", ordered),
		call(6, "", "SETITEM on sys.modules", "PROTO 2; GLOBAL sys modules; BINUNICODE pickle; NONE; SETITEM; STOP", "pickle/build-on-import", "s.", "PROTO 2; EMPTY_DICT; BINUNICODE pickle; NONE; SETITEM; STOP"),
		call(6, "", "APPEND on an import", "PROTO 2; GLOBAL sys path; BINUNICODE /tmp; APPEND; STOP", "pickle/build-on-import", "a.", "PROTO 2; EMPTY_LIST; BINUNICODE /tmp; APPEND; STOP"),
		call(6, "", "ADDITEMS on an import", "PROTO 4; GLOBAL gc garbage; MARK; NONE; ADDITEMS; STOP", "pickle/build-on-import", "\x90", "PROTO 4; EMPTY_SET; MARK; BININT1 1; ADDITEMS; STOP"),
		call(7, "", "the result of OBJ is popped", "PROTO 2; EMPTY_DICT; MARK; GLOBAL os system; BINUNICODE id; OBJ; POP; STOP", denied, "id^o", "PROTO 2; EMPTY_DICT; BININT1 1; POP; STOP"),
		call(7, "", "the result of REDUCE is popped", "PROTO 2; EMPTY_DICT; GLOBAL os system; BINUNICODE id; TUPLE1; REDUCE; POP; STOP", denied, "\x85^R", "PROTO 2; EMPTY_DICT; BININT1 1; POP; STOP"),
		call(8, "", "the callee is in a memo", "PROTO 2; GLOBAL os system; BINPUT 3; POP; BINGET 3; BINUNICODE id; TUPLE1; REDUCE; STOP", denied, "\x85^R", "PROTO 2; GLOBAL collections OrderedDict; BINPUT 3; POP; BINGET 3; EMPTY_TUPLE; REDUCE; STOP"),
		call(8, "", "the callee is computed", "PROTO 2; GLOBAL builtins getattr; GLOBAL os path; BINUNICODE os; TUPLE2; REDUCE; BINUNICODE id; TUPLE1; REDUCE; STOP", "pickle/call-of-computed-value", "R.", ordered),
		call(9, "", "a walk under a harmless module", "PROTO 4; SHORT_BINUNICODE torch; SHORT_BINUNICODE serialization.os.system; STACK_GLOBAL; SHORT_BINUNICODE id; TUPLE1; REDUCE; STOP", "pickle/dotted-name", "\x93", "PROTO 4; SHORT_BINUNICODE torch; SHORT_BINUNICODE serialization.os.system; TUPLE2; STOP"),
		call(10, "", "__call__ as a suffix", "PROTO 4; SHORT_BINUNICODE collections; SHORT_BINUNICODE OrderedDict.__init__; STACK_GLOBAL; EMPTY_TUPLE; REDUCE; STOP", "pickle/dotted-name", "\x93", "PROTO 4; SHORT_BINUNICODE collections; SHORT_BINUNICODE OrderedDict; STACK_GLOBAL; EMPTY_TUPLE; REDUCE; STOP"),
		call(11, "", "__builtin__ of Python 2", "PROTO 2; GLOBAL __builtin__ eval; BINUNICODE 1; TUPLE1; REDUCE; STOP", denied, "\x85^R", "PROTO 2; GLOBAL __builtin__ set; EMPTY_LIST; TUPLE1; REDUCE; STOP"),
		call(11, "", "commands and urllib2 of Python 2", "PROTO 2; GLOBAL commands getoutput; BINUNICODE id; TUPLE1; REDUCE; POP; GLOBAL urllib2 urlopen; BINUNICODE x; TUPLE1; REDUCE; STOP", denied, "id\x85^R", ordered),
		call(12, "", "importlib.import_module", "PROTO 2; GLOBAL importlib import_module; BINUNICODE os; TUPLE1; REDUCE; STOP", denied, "\x85^R", ordered),
		call(12, "GHSA-vvpj-8cmc-gx39", "pkgutil.resolve_name", "PROTO 2; GLOBAL pkgutil resolve_name; BINUNICODE os:system; TUPLE1; REDUCE; STOP", denied, "\x85^R", ordered),
		call(12, "GHSA-955r-x9j8-7rhh", "operator.methodcaller", "PROTO 2; GLOBAL _operator methodcaller; BINUNICODE x; TUPLE1; REDUCE; STOP", denied, "\x85^R", ordered),
		call(12, "", "functools.partial", "PROTO 2; GLOBAL functools partial; GLOBAL os system; TUPLE1; REDUCE; STOP", denied, "cos", ordered),
		call(13, "", "pickle.loads", "PROTO 2; GLOBAL pickle loads; BINUNICODE x; TUPLE1; REDUCE; STOP", denied, "\x85^R", ordered),
		call(13, "GHSA-fphw-536r-4p88", "the loader that no hook of pickle.load sees", "PROTO 2; GLOBAL _pickle loads; BINUNICODE x; TUPLE1; REDUCE; STOP", denied, "\x85^R", ordered),
		nested(call(13, "", "torch.storage._load_from_bytes with a payload", "PROTO 3; GLOBAL torch.storage _load_from_bytes; BINBYTES \"\\x80\\x02cposix\\nsystem\\nX\\x02\\x00\\x00\\x00id\\x85R.\"; TUPLE1; REDUCE; STOP", denied, callAt, harmlessBytes), assembled("PROTO 2; "+system)),
		call(14, "", "types.CodeType", "PROTO 2; GLOBAL types CodeType; EMPTY_TUPLE; REDUCE; STOP", denied, ")^R", ordered),
		call(14, "", "marshal.loads", "PROTO 2; GLOBAL marshal loads; BINUNICODE x; TUPLE1; REDUCE; STOP", denied, "\x85^R", ordered),
		call(14, "", "cloudpickle", "PROTO 2; GLOBAL cloudpickle.cloudpickle _make_function; EMPTY_TUPLE; REDUCE; STOP", denied, ")^R", ordered),
		call(14, "", "dill", "PROTO 2; GLOBAL dill._dill _create_code; EMPTY_TUPLE; REDUCE; STOP", denied, ")^R", ordered),
		call(15, "CVE-2025-1716", "an installer", "PROTO 2; GLOBAL pip main; BINUNICODE install; TUPLE1; REDUCE; STOP", denied, "\x85^R", ordered),
		call(15, "GHSA-g38g-8gr9-h9xp", "a network client of the library", "PROTO 2; GLOBAL imaplib IMAP4_stream; BINUNICODE id; TUPLE1; REDUCE; STOP", denied, "\x85^R", ordered),
		call(15, "", "an exit hook", "PROTO 2; GLOBAL atexit register; GLOBAL os abort; TUPLE1; REDUCE; STOP", denied, "\x85^R", ordered),
		call(16, "CVE-2025-10157", "a gadget below a trusted package", "PROTO 2; GLOBAL torch.utils.collect_env run; BINUNICODE id; TUPLE1; REDUCE; STOP", denied, "\x85^R", ordered),
		call(16, "", "numpy.f2py", "PROTO 2; GLOBAL numpy.f2py.crackfortran getlincoef; BINUNICODE x; EMPTY_DICT; TUPLE2; REDUCE; STOP", denied, "\x86^R", ordered),
		call(16, "", "pandas.eval", "PROTO 2; GLOBAL pandas eval; BINUNICODE x; TUPLE1; REDUCE; STOP", denied, "\x85^R", ordered),
		call(16, "", "a name of numpy that nobody vetted", "PROTO 2; GLOBAL numpy load_it; BINUNICODE x; TUPLE1; REDUCE; STOP", unknown, "cnumpy", ordered),
		call(17, "", "EXT1", "PROTO 2; EXT1 1; STOP", "pickle/extension", "\x82", "PROTO 2; BININT1 1; STOP"),
		call(17, "", "EXT2 behind copyreg.add_extension", "PROTO 2; GLOBAL copyreg add_extension; BINUNICODE os; BINUNICODE system; BININT2 300; TUPLE3; REDUCE; POP; EXT2 300; STOP", "pickle/extension", "\x83", "PROTO 2; BININT2 300; STOP"),
		call(17, "", "EXT4", "PROTO 2; EXT4 70000; STOP", "pickle/extension", "\x84", "PROTO 2; BININT 70000; STOP"),
		call(8, "", "the callee by DUP", "PROTO 2; GLOBAL os system; DUP; BINUNICODE id; TUPLE1; REDUCE; STOP", denied, callAt, "PROTO 2; GLOBAL collections OrderedDict; DUP; EMPTY_TUPLE; REDUCE; TUPLE2; STOP"),
		call(8, "", "the callee is a tuple", "PROTO 2; GLOBAL os system; TUPLE1; BINUNICODE id; TUPLE1; REDUCE; STOP", "pickle/call-of-computed-value", callAt, "PROTO 2; BINUNICODE system; TUPLE1; BINUNICODE id; TUPLE1; TUPLE2; STOP"),
		odd(18, "", "a persistent id that is text", "PERSID evil; STOP", "pickle/persistent-id", "P", "STRING 'evil'; STOP"),
		odd(18, "", "a persistent id that is another tuple", "PROTO 2; BINUNICODE x; TUPLE1; BINPERSID; STOP", "pickle/persistent-id", "Q", "PROTO 2; BINUNICODE x; TUPLE1; STOP"),
		call(19, "", "a class of a package nobody vetted", "PROTO 2; GLOBAL mylib Model; EMPTY_TUPLE; NEWOBJ; STOP", unknown, "cmy", ordered),
		call(19, "", "a class of __main__", "PROTO 2; GLOBAL __main__ Model; EMPTY_TUPLE; NEWOBJ; STOP", denied, ")^\x81", ordered),
		call(20, "", "the scanner's own modules", "PROTO 2; GLOBAL picklescan.scanner _safe_globals; EMPTY_DICT; BUILD; STOP", "pickle/build-on-import", "b.", ordered),
	}
}

// pickleNames are rows 21 to 25: names that readers get wrong.
func pickleNames() []technique {
	return []technique{
		call(21, "GHSA-9gvj-pp9x-gcfr", "a memo entry that is overwritten", "PROTO 4; SHORT_BINUNICODE collections; BINPUT 0; SHORT_BINUNICODE posix; BINPUT 0; POP; POP; BINGET 0; SHORT_BINUNICODE system; STACK_GLOBAL; SHORT_BINUNICODE id; TUPLE1; REDUCE; STOP", denied, "\x85^R", words),
		call(22, "", "decoys before STACK_GLOBAL", "PROTO 4; SHORT_BINUNICODE posix; SHORT_BINUNICODE system; MARK; SHORT_BINUNICODE collections; SHORT_BINUNICODE OrderedDict; POP_MARK; STACK_GLOBAL; SHORT_BINUNICODE id; TUPLE1; REDUCE; STOP", denied, "\x85^R", "PROTO 4; SHORT_BINUNICODE collections; SHORT_BINUNICODE OrderedDict; MARK; SHORT_BINUNICODE posix; SHORT_BINUNICODE system; POP_MARK; STACK_GLOBAL; EMPTY_TUPLE; REDUCE; STOP"),
		call(23, "", "a name from a call", "PROTO 4; SHORT_BINUNICODE os; GLOBAL _codecs encode; SHORT_BINUNICODE system; SHORT_BINUNICODE latin1; TUPLE2; REDUCE; STACK_GLOBAL; STOP", "pickle/computed-name", "\x93", "PROTO 4; GLOBAL _codecs encode; SHORT_BINUNICODE system; SHORT_BINUNICODE latin1; TUPLE2; REDUCE; STOP"),
		call(24, "", "an escape in UNICODE", `PROTO 4; UNICODE "p\\u006fsix"; UNICODE system; STACK_GLOBAL; STOP`, denied, "\x93", `UNICODE "p\\u006fsix"; STOP`),
		call(24, "", "an escape in STRING", `PROTO 4; STRING "'p\\x6fsix'"; UNICODE system; STACK_GLOBAL; STOP`, denied, "\x93", `STRING "'p\\x6fsix'"; STOP`),
		call(24, "", "BINUNICODE8", "PROTO 4; BINUNICODE8 posix; BINUNICODE8 system; STACK_GLOBAL; STOP", denied, "\x93", "PROTO 4; BINUNICODE8 posix; BINUNICODE8 system; TUPLE2; STOP"),
		call(25, "GHSA-9gvj-pp9x-gcfr", "a name that is a number", "PROTO 4; BININT1 1; BININT1 2; STACK_GLOBAL; STOP", "pickle/computed-name", "\x93", "PROTO 4; BININT1 1; BININT1 2; TUPLE2; STOP"),
	}
}
