package hfconfig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func scanAs(name, content string) validate.Report {
	return validatetest.Kept(name, content, validate.ScanReader(context.Background(), []*validate.Scanner{Scanner()}, name, strings.NewReader(content), int64(len(content)), validatetest.Policy().Scan))
}

const llamaTemplate = `{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\n' + system_message + '\n<</SYS>>\n\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}`

const chatML = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

func asJSON(key, value string) string {
	b, _ := json.Marshal(map[string]string{key: value})
	return string(b)
}

func TestOrdinaryConfigurationHasNoFindings(t *testing.T) {
	tests := map[string]struct{ name, content string }{
		"a model configuration":               {"config.json", `{"architectures":["LlamaForCausalLM"],"hidden_size":4096,"rope_theta":1e4,"tie_word_embeddings":false,"pad_token_id":null,"torch_dtype":"bfloat16"}`},
		"Infinity, as Mamba 2 has it":         {"config.json", `{"time_step_limit":[0.0,Infinity],"a":-Infinity,"b":NaN}`},
		"a path the writer happened to have":  {"config.json", `{"_name_or_path":"/home/user/models/../llama"}`},
		"a special tokens file of the writer": {"tokenizer_config.json", `{"special_tokens_map_file":"/root/.cache/x.json"}`},
		"an attention implementation by name": {"config.json", `{"_attn_implementation":"flash_attention_2","attn_implementation":{"text_config":"sdpa"}}`},
		"trust_remote_code: false":            {"config.json", `{"trust_remote_code":false}`},
		"a shard index":                       {"model.safetensors.index.json", `{"metadata":{"total_size":1},"weight_map":{"a":"model-00001-of-00002.safetensors","b":"sub/model.safetensors"}}`},
		"a Llama template":                    {"tokenizer_config.json", asJSON("chat_template", llamaTemplate)},
		"a ChatML template":                   {"tokenizer_config.json", asJSON("chat_template", chatML)},
		"named templates":                     {"tokenizer_config.json", `{"chat_template":[{"name":"default","template":"{{ messages }}"}]}`},
		"underscores outside expressions":     {"chat_template.jinja", "__init__ {# self.__class__ #} {{ x }} |attr"},
		"words in a template's literal":       {"chat_template.jinja", "{{ 'the joiner of self.worth |attr' }}"},
		"a name that contains self":           {"chat_template.jinja", "{{ myself.x }} {{ message.self.x }}"},
		"components of diffusers":             {"model_index.json", `{"_class_name":"StableDiffusionPipeline","unet":["diffusers","UNet2DConditionModel"],"safety_checker":[null,null],"x":["stable_diffusion","S"]}`},
		"modules of sentence-transformers":    {"modules.json", `[{"idx":0,"name":"0","path":"","type":"sentence_transformers.models.Transformer"},{"path":"1_Pooling","type":"sentence_transformers.models.Pooling"}]`},
		"an adapter":                          {"adapter_config.json", `{"auto_mapping":{"base_model_class":"L","parent_library":"transformers.models.llama.modeling_llama"}}`},
		"a vocabulary of odd words":           {"vocab.json", `{"auto_map":1,"chat_template":2,"trust_remote_code":3,"../x":4,"__class__":5}`},
		"relative paths":                      {"config.json", `{"vocab_file":"vocab.txt","data_dir":"a/b..c/d"}`},
		"a schema of skops":                   {"schema.json", `{"__class__":"SVC","__module__":"sklearn.svm._classes","__loader__":"ObjectNode","content":{"__class__":"f","__module__":"os.path"}}`},
		"JSON under another name":             {"settings", ` { "a" : [ ] } `},
		"a number at the top":                 {"x.json", ` -0.5e+7 `},
		"a string at the top":                 {"x.json", `"\ud83d\ude00 \u00e9 \/ \b\f\n\r\t"`},
		"halves of surrogate pairs":           {"x.json", `{"\ud800":1,"\ud801":2,"\udc00":3}`},
		"keys equal up to case":               {"x.json", `{"a":1,"A":2,"b":{"a":1}}`},
	}
	for name, tt := range more.ordinary {
		tests[name] = tt
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if rep := scanAs(tt.name, tt.content); !rep.Files[0].Cleared || len(rep.Findings) != 0 {
				t.Error(validatetest.Show(rep))
			}
		})
	}
}

func TestWhatReachesForCodeIsFound(t *testing.T) {
	tests := map[string]struct{ name, content, rule string }{
		"code of the model":                    {"config.json", `{"auto_map":{"AutoModel":"modeling_x.XModel"}}`, "hfconfig/auto-map"},
		"code of the model in a part":          {"config.json", `{"text_config":{"auto_map":{"AutoTokenizer":["tok.T",null]}}}`, "hfconfig/auto-map"},
		"code of another repository":           {"config.json", `{"auto_map":{"AutoModel":"org/repo--modeling_x.XModel"}}`, "hfconfig/foreign-code"},
		"code above the model":                 {"config.json", `{"auto_map":{"AutoModel":"../modeling_x.XModel"}}`, "hfconfig/foreign-code"},
		"code at an absolute path":             {"config.json", `{"auto_map":{"AutoModel":"/tmp/x.XModel"}}`, "hfconfig/foreign-code"},
		"an escaped key":                       {"config.json", `{"auto\u005fmap":{"AutoModel":"org/repo--x.X"}}`, "hfconfig/foreign-code"},
		"an adapter's library":                 {"adapter_config.json", `{"auto_mapping":{"parent_library":"transformers_modules.org.x"}}`, "hfconfig/foreign-code"},
		"a module of another package":          {"modules.json", `[{"type":"os.system"}]`, "hfconfig/foreign-code"},
		"trust_remote_code":                    {"config.json", `{"trust_remote_code":true}`, "hfconfig/trust-remote-code"},
		"a hub kernel, internal key":           {"config.json", `{"_attn_implementation_internal":"org/kernel"}`, "hfconfig/attn-implementation"},
		"a hub kernel, public key":             {"config.json", `{"_attn_implementation":"org/kernel@main:f"}`, "hfconfig/attn-implementation"},
		"a hub kernel for a part":              {"config.json", `{"x":{"_attn_implementation_internal":{"text":"paged|org/kernel"}}}`, "hfconfig/attn-implementation"},
		"custom pipelines":                     {"config.json", `{"custom_pipelines":{"t":{"impl":"x.Y"}}}`, "hfconfig/custom-pipeline"},
		"a custom component":                   {"model_index.json", `{"unet":["my_unet","U"]}`, "hfconfig/custom-pipeline"},
		"a custom pipeline class":              {"sub/model_index.json", `{"_class_name":["pipe","P"]}`, "hfconfig/custom-pipeline"},
		"an absolute vocabulary":               {"config.json", `{"vocab_file":"/etc/passwd"}`, "hfconfig/outside-path"},
		"a vocabulary above":                   {"config.json", `{"vocab_file":"a/../../x"}`, "hfconfig/outside-path"},
		"a Windows path":                       {"config.json", `{"vocab_file":"C:\\x"}`, "hfconfig/outside-path"},
		"a share":                              {"config.json", `{"vocab_file":"\\\\host\\x"}`, "hfconfig/outside-path"},
		"a path in a list":                     {"tokenizer_config.json", `{"extra_files":["a","../b"]}`, "hfconfig/outside-path"},
		"a shard outside":                      {"x.index.json", `{"weight_map":{"a":"../../other/model.bin"}}`, "hfconfig/outside-path"},
		"a shard with a backslash":             {"x.index.json", `{"weight_map":{"a":"..\\model.bin"}}`, "hfconfig/outside-path"},
		"a shard that is a URL":                {"x.index.json", `{"weight_map":{"a":"https://host/model.bin"}}`, "hfconfig/outside-path"},
		"a repeated key":                       {"config.json", `{"a":1,"a":2}`, "hfconfig/duplicate-key"},
		"a repeated key, once escaped":         {"config.json", `{"a":1,"\u0061":2}`, "hfconfig/duplicate-key"},
		"a repeated key deep inside":           {"config.json", `[[{"x":{"b":1,"c":[],"b":{}}}]]`, "hfconfig/duplicate-key"},
		"a class beside keys of skops":         {"schema.json", `{"__class__":"SVC","__loader__":"ObjectNode","_target_":"os.system"}`, "hfconfig/object"},
		"a class in other JSON":                {"config.json", `{"__class__":"posix.system"}`, "hfconfig/object"},
		"a notebook":                           {"x.ipynb", `{"cells":[],"nbformat":4}`, "hfconfig/notebook"},
		"a notebook under another name":        {"x.json", `{"cells":[],"nbformat":4}`, "hfconfig/notebook"},
		"a template with dunders":              {"tokenizer_config.json", asJSON("chat_template", "{{ ''.__class__ }}"), "hfconfig/template-escape"},
		"a template with dunders in brackets":  {"tokenizer_config.json", asJSON("chat_template", "{{ x['__class__'] }}"), "hfconfig/template-escape"},
		"a template in a list":                 {"tokenizer_config.json", `{"chat_template":[{"name":"a","template":"ok"},{"name":"b","template":"{% set x = y.__init__ %}"}]}`, "hfconfig/template-escape"},
		"the attr filter":                      {"x.jinja", `{{ x | attr("a") }}`, "hfconfig/template-unlisted"},
		"escaped underscores":                  {"x.jinja", `{{ x["\x5f\x5fclass\x5f\x5f"] }}`, "hfconfig/template-escape"},
		"cycler":                               {"x.jinja", `{{ cycler }}`, "hfconfig/template-unlisted"},
		"joiner":                               {"x.jinja", `{%- set a = joiner() -%}`, "hfconfig/template-unlisted"},
		"lipsum":                               {"x.jinja", `{{lipsum}}`, "hfconfig/template-unlisted"},
		"self":                                 {"x.jinja", `{{ self.x }}`, "hfconfig/template-unlisted"},
		"self in brackets":                     {"x.jinja", `{{ self ['x'] }}`, "hfconfig/template-unlisted"},
		"a dunder behind nested braces":        {"x.jinja", `{{ {'a':{'b':1}}.__class__ }}`, "hfconfig/template-escape"},
		"a dunder behind braces in a literal":  {"x.jinja", `{{ '}}'.__class__ }}`, "hfconfig/template-escape"},
		"a dunder behind an escaped quote":     {"x.jinja", `{{ '\'}}'.__class__ }}`, "hfconfig/template-escape"},
		"a dunder in an unfinished expression": {"x.jinja", `{{ ''.__class__`, "hfconfig/template-escape"},
		"a dunder behind a comment":            {"x.jinja", `{# {{ #}{{ ''.__class__ }}`, "hfconfig/template-escape"},
		"a dunder behind a lonely brace":       {"x.jinja", `{ {{ ''.__class__ }}`, "hfconfig/template-escape"},
	}
	for name, tt := range more.hostile {
		tests[name] = tt
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rep := scanAs(tt.name, tt.content)
			if !rep.Files[0].Cleared || !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule }) {
				t.Errorf("want %s\n%s", tt.rule, validatetest.Show(rep))
			}
			if isCode := tt.rule == "hfconfig/notebook"; rep.Files[0].Code != isCode {
				t.Errorf("code %v", rep.Files[0].Code)
			}
		})
	}
}

func TestWhatIsNotOneJSONValueIsNotCleared(t *testing.T) {
	for name, content := range map[string]string{
		"nothing": "", "space": " ", "half an object": `{"a":1`, "half a string": `"a`, "a comma too many": `{"a":1,}`, "a comma in a list": `[1,]`,
		"a comma first": `[,1]`, "no colon": `{"a" 1}`, "no comma": `[1 2]`, "a key that is a number": `{1:2}`, "two values": `{} {}`, "a tail": `{}x`,
		"the wrong bracket": `[1}`, "a bracket too many": `[1]]`, "a literal in capitals": `True`, "a word": `nul`, "single quotes": `{'a':1}`,
		"a comment": "{} // x", "a leading zero": `01`, "a bare minus": `-`, "a plus": `+1`, "a dot without digits": `1.`, "an empty exponent": `1e`,
		"hexadecimal": `0x1`, "a bad escape": `"\x41"`, "a short escape": `"\u12"`, "a bad hexadecimal digit": `"\u12G4"`, "a newline in a string": "\"a\nb\"",
		"a NUL": "{}\x00", "invalid UTF-8": "{\"a\":\"\xff\"}", "half a character at the end": "\"\"\xc3", "two byte order marks": "\ufeff\ufeff{}", "an archive behind": "{}PK\x03\x04\x00",
		"deep nesting": strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), "a very long number": strings.Repeat("1", 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			rep := scanAs("config.json", content)
			if rep.Files[0].Cleared || len(rep.Findings) == 0 || rep.Findings[0].Severity < validate.Medium {
				t.Error(validatetest.Show(rep))
			}
		})
	}
}

func TestContentDecidesUnlessTheNameSaysText(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		want          bool
	}{
		{"chat_template", "{{ x }} and more", true}, {"x.jinja.txt", "{{", true}, {"system_prompt.txt", "{% if x %}y{% endif %}", true}, {"README.md", "{% if x %}y{% endif %}", false}, {"merges.txt", "{{ a\n}} b", true},
		{"x.tex", "{{ x }} and more", false}, {"config.json", "\x80\x02", true}, {"x.JSON", "x", true}, {"x", `{"a":1}`, true}, {"x.model", "\n{ \"a\"", true},
		{"README.md", `{"a":1}`, false}, {"x.jsonl", `{"a":1}`, false}, {"x", `{% if x %}`, true}, {"x", `{{ x }}`, false}, {"x", "{}", false}, {"x", "", false},
	} {
		h := validate.Head{Name: tt.name, Size: int64(len(tt.content)), Start: []byte(tt.content)}
		if got := match(h); got != tt.want {
			t.Errorf("%s %q: %v", tt.name, tt.content, got)
		}
	}
}

// endless produces a tokenizer of any size without holding it.
type endless struct{ size int64 }

const record = "  [\"left\", \"right\"],\n"

func (e endless) ReadAt(b []byte, off int64) (int, error) {
	for i := range b {
		switch at := off + int64(i); {
		case at == 0:
			b[i] = '['
		case at >= e.size:
			return i, io.EOF
		case at == e.size-1:
			b[i] = ']'
		case at >= e.size-3:
			b[i] = '1' // after the last comma
		default:
			b[i] = record[(at-1)%int64(len(record))]
		}
	}
	return len(b), nil
}

func TestMemoryStaysBounded(t *testing.T) {
	size := int64(len(record))*4_000_000 + 4
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rep := validate.ScanReader(t.Context(), []*validate.Scanner{Scanner()}, "tokenizer.json", endless{size}, size, validatetest.Policy().Scan)
	runtime.ReadMemStats(&after)
	if !rep.Files[0].Cleared {
		t.Fatal(validatetest.Show(rep))
	}
	if held := int64(after.Sys) - int64(before.Sys); held > 32<<20 {
		t.Errorf("%d MiB of JSON took %d MiB from the system", size>>20, held>>20)
	}

	l := validatetest.Policy().Scan
	l.MaxHeaderSizeMB = 1
	var keys strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&keys, `"%d":0,`, i)
	}
	for name, content := range map[string]string{"many keys": "{" + keys.String() + `"x":0}`, "a long string": `"` + strings.Repeat("x", 2<<20) + `"`} {
		rep := validate.ScanReader(t.Context(), []*validate.Scanner{Scanner()}, "x.json", strings.NewReader(content), int64(len(content)), l)
		if rep.Files[0].Cleared || rep.Findings[0].Rule != "validate/budget" {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

// FuzzJSON compares the reader with the standard library's grammar.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{}`, `[1,-0.5e3,"\ud83d\ude00",true,null]`, `{"a":{"b":[[]]},"chat_template":"{{ x }}"}`, `{"a":1,"a":2}`, `Infinity`, `"\`, `[`, ` 1 `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rep := scanAs("x.json", string(b))
		if again := scanAs("x.json", string(b)); !reflect.DeepEqual(rep.Findings, again.Findings) {
			t.Fatal("two scans differ")
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.Offset > int64(len(b)) {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
		if bytes.Contains(b, []byte("Infinity")) || bytes.Contains(b, []byte("NaN")) || bytes.ContainsRune(b, 0) || bytes.HasPrefix(b, mark) || len(b) > 100 {
			return
		}
		if valid := json.Valid(b) && bytes.Equal(b, bytes.ToValidUTF8(b, nil)); valid != rep.Files[0].Cleared {
			t.Fatalf("encoding/json says %v of %q, we say\n%s", valid, b, validatetest.Show(rep))
		}
	})
}
