package pickle

// opcode is one row of the instruction set. proto is the protocol that introduced it (pickle.py).
type opcode struct {
	name  string
	proto int
	run   func(m *machine, op byte, off int64) error
}

// Opcodes that other files refer to.
const (
	opREDUCE   = 'R'
	opNEWOBJ   = 0x81
	opNEWOBJEX = 0x92
	opINST     = 'i'
	opOBJ      = 'o'
	opPROTO    = 0x80
	opAPPEND   = 'a'
	opAPPENDS  = 'e'
	opSETITEM  = 's'
	opSETITEMS = 'u'
	opADDITEMS = 0x90
)

// opcodes is every opcode of protocols 0 to 5.
var opcodes = [256]opcode{
	'(':        {"MARK", 0, opMark},
	'.':        {"STOP", 0, opStop},
	'0':        {"POP", 0, opPop},
	'1':        {"POP_MARK", 1, opPopMark},
	'2':        {"DUP", 0, opDup},
	'F':        {"FLOAT", 0, opFloat},
	'I':        {"INT", 0, opInt},
	'J':        {"BININT", 1, opBinInt},
	'K':        {"BININT1", 1, opBinInt},
	'L':        {"LONG", 0, opLong},
	'M':        {"BININT2", 1, opBinInt},
	'N':        {"NONE", 0, opConst},
	'P':        {"PERSID", 0, opPersid},
	'Q':        {"BINPERSID", 1, opBinPersid},
	opREDUCE:   {"REDUCE", 0, opReduce},
	'S':        {"STRING", 0, opString},
	'T':        {"BINSTRING", 1, opSized},
	'U':        {"SHORT_BINSTRING", 1, opSized},
	'V':        {"UNICODE", 0, opUnicode},
	'X':        {"BINUNICODE", 1, opSized},
	opAPPEND:   {"APPEND", 0, opFillOne},
	'b':        {"BUILD", 0, opBuild},
	'c':        {"GLOBAL", 0, opGlobal},
	'd':        {"DICT", 0, opDict},
	'}':        {"EMPTY_DICT", 1, opEmpty},
	opAPPENDS:  {"APPENDS", 1, opFillMany},
	'g':        {"GET", 0, opGet},
	'h':        {"BINGET", 1, opBinGet},
	opINST:     {"INST", 0, opInst},
	'j':        {"LONG_BINGET", 1, opBinGet},
	'l':        {"LIST", 0, opList},
	']':        {"EMPTY_LIST", 1, opEmpty},
	opOBJ:      {"OBJ", 1, opObj},
	'p':        {"PUT", 0, opPut},
	'q':        {"BINPUT", 1, opBinPut},
	'r':        {"LONG_BINPUT", 1, opBinPut},
	opSETITEM:  {"SETITEM", 0, opFillOne},
	't':        {"TUPLE", 0, opTuple},
	')':        {"EMPTY_TUPLE", 1, opConst},
	opSETITEMS: {"SETITEMS", 1, opFillMany},
	'G':        {"BINFLOAT", 1, opBinFloat},
	opPROTO:    {"PROTO", 2, opProto},
	opNEWOBJ:   {"NEWOBJ", 2, opNewObj},
	0x82:       {"EXT1", 2, opExt},
	0x83:       {"EXT2", 2, opExt},
	0x84:       {"EXT4", 2, opExt},
	0x85:       {"TUPLE1", 2, opTupleN},
	0x86:       {"TUPLE2", 2, opTupleN},
	0x87:       {"TUPLE3", 2, opTupleN},
	0x88:       {"NEWTRUE", 2, opConst},
	0x89:       {"NEWFALSE", 2, opConst},
	0x8a:       {"LONG1", 2, opBinLong},
	0x8b:       {"LONG4", 2, opBinLong},
	'B':        {"BINBYTES", 3, opSized},
	'C':        {"SHORT_BINBYTES", 3, opSized},
	0x8c:       {"SHORT_BINUNICODE", 4, opSized},
	0x8d:       {"BINUNICODE8", 4, opSized},
	0x8e:       {"BINBYTES8", 4, opSized},
	0x8f:       {"EMPTY_SET", 4, opEmpty},
	opADDITEMS: {"ADDITEMS", 4, opFillMany},
	0x91:       {"FROZENSET", 4, opFrozen},
	opNEWOBJEX: {"NEWOBJ_EX", 4, opNewObj},
	0x93:       {"STACK_GLOBAL", 4, opStackGlobal},
	0x94:       {"MEMOIZE", 4, opMemoize},
	0x95:       {"FRAME", 4, opFrame},
	0x96:       {"BYTEARRAY8", 5, opSized},
	0x97:       {"NEXT_BUFFER", 5, opBuffer},
	0x98:       {"READONLY_BUFFER", 5, opBuffer},
}
