package yamlconf

import (
	"bytes"
	"encoding/json"

	"go.yaml.in/yaml/v3"
)

// maxNetwork bounds the JSON that is made of a document.
const maxNetwork = 4 << 20

// network judges a document that describes a network of Keras, as model_from_yaml of TensorFlow before 2.6 reads it, as
// the same network in JSON.
func (j *judge) network(doc *yaml.Node) error {
	if !j.layers || j.flow {
		return nil
	}
	var b bytes.Buffer
	toJSON(&b, doc, 0)
	if b.Len() > maxNetwork {
		j.report(bomb, doc, "a network of more than %d bytes", maxNetwork)
		return nil
	}
	_, err := j.p.Descend(j.base+".json", bytes.NewReader(b.Bytes()), int64(b.Len()))
	return err
}

// isLayer reports whether a mapping is the description of an object of Keras.
func isLayer(n *yaml.Node) bool {
	class, more := false, false
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch n.Content[i].Value {
		case "class_name":
			class = true
		case "config", "module", "registered_name":
			more = true
		}
	}
	return class && more
}

// toJSON writes a node as JSON. Every scalar but those that JSON has as words becomes a text.
func toJSON(b *bytes.Buffer, n *yaml.Node, depth int) {
	if depth > maxDepth || b.Len() > maxNetwork {
		b.WriteString("null")
		return
	}
	switch n.Kind {
	case yaml.DocumentNode:
		toJSON(b, n.Content[0], depth+1)
	case yaml.AliasNode:
		toJSON(b, n.Alias, depth+1)
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, k := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			toJSON(b, k, depth+1)
		}
		b.WriteByte(']')
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			k := n.Content[i]
			if k.Kind == yaml.AliasNode {
				k = k.Alias
			}
			text, _ := json.Marshal(k.Value)
			b.Write(text)
			b.WriteByte(':')
			toJSON(b, n.Content[i+1], depth+1)
		}
		b.WriteByte('}')
	default:
		text, err := json.Marshal(n.Value)
		switch {
		case n.Tag == "!!null":
			text = []byte("null")
		case n.Tag == "!!bool" && (n.Value == "true" || n.Value == "false"):
			text = []byte(n.Value)
		case err != nil:
			text = []byte("null")
		}
		b.Write(text)
	}
}
