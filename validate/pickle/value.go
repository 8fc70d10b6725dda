package pickle

// kind is where a value came from.
type kind uint8

const (
	kNone kind = iota
	kBool
	kInt
	kLong // beyond 64 bits, or not parsed
	kFloat
	kStr
	kBytes
	kByteArray
	kTuple
	kList
	kDict
	kSet
	kFrozen
	kImport   // a name that was looked up
	kCall     // what a call returned
	kInstance // made without running a constructor
	kPersist  // a torch storage outside the pickle
	kExt      // from the extension registry
	kBuffer   // from out-of-band data
	kUnknown
)

var kindWords = [...]string{"None", "a truth value", "an integer", "a long integer", "a number", "text", "bytes", "a bytearray",
	"a tuple", "a list", "a dict", "a set", "a frozenset", "an imported name", "the result of a call", "an instance",
	"a storage", "an extension object", "a buffer", "an unknown value"}

const (
	fCut       = 1 << iota // text or items are not all there
	fObject                // numpy: the element type holds references
	fSettled               // numpy: the element type is in use, or its state is set
	fEncoded               // the text was written with escapes; off and n are not the bytes themselves
	fQuoted                // the text was written as STRING; the bytes in the file have quotes
	fSpecial               // a key of state is not plain; text says which
	fFilled                // items were put into the result of a call
	fRecalled              // was looked up in the memo
	fName                  // was the module or the name of an import
	fForgotten             // stands for a value of the same kind and class that is no longer known
)

// keepItems is how many items of a container are kept; what follows only counts.
const keepItems = 64

// value is one node of the symbolic heap. Nodes are shared, never copied, and only containers change.
type value struct {
	kind   kind
	flags  uint16
	weight uint32 // nodes a recursive walk (hash) would visit, saturating
	mark   uint32 // of the last count of live values
	depth  uint32 // levels of values in values, as they were when they were put in
	off    int64  // where it was made, or where the bytes of a literal begin
	n      int64  // number, length in bytes, number of items
	text   string // literal text; storage key; first special key of a dict
	g      *global
	fn     *value   // callee of a call, class of an instance, type of a storage
	items  []*value // items, pairs, or arguments
}

// global is one name as the unpickler looks it up.
type global struct {
	module, name string
	entry        *entry // nil: nobody vetted it
	denied       *entry
}

func (g *global) String() string { return g.module + "." + g.name }

// is reports whether v is that imported name.
func (v *value) is(module, name string) bool {
	return v != nil && v.kind == kImport && v.g.module == module && v.g.name == name
}

func (v *value) cut() bool     { return v.flags&fCut != 0 }
func (v *value) literal() bool { return v.kind <= kByteArray }

// str returns the text of a literal string that is known in full.
func (v *value) str() (string, bool) { return v.text, v.kind == kStr && !v.cut() }

// class is the imported name that an instance or a call result is about, or nil.
func (v *value) class() *global {
	if (v.kind == kInstance || v.kind == kCall) && v.fn != nil && v.fn.kind == kImport {
		return v.fn.g
	}
	return nil
}

// bytesLike reports literal bytes, also those that old protocols write as encoded text.
func (v *value) bytesLike() bool {
	return v.kind == kBytes || v.kind == kByteArray || v.kind == kCall && (v.fn.is("_codecs", "encode") || v.fn.is("builtins", "bytes"))
}

// nest makes v as deep as what is put into it demands, and says whether that is the first level too many.
func (v *value) nest(items []*value) bool {
	was := v.depth
	for _, item := range items {
		v.depth = max(v.depth, item.depth+1)
	}
	return v.depth == maxNesting+1 && was <= maxNesting
}

func addWeight(a, b uint32) uint32 {
	if s := uint64(a) + uint64(b); s < 1<<31 {
		return uint32(s)
	}
	return 1 << 31
}
