// Reads YAML documents with yaml.v3 and writes the structure of each.
//
// Standard input has one text per line, as a JSON string. Standard output has one line per text:
// {"documents": [...]} or {"error": "..."}. A node is {"scalar": text, "plain": bool, "tag": tag},
// {"list": [...]}, {"mapping": [[key, value], ...]} or {"alias": node}.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"gopkg.in/yaml.v3"
)

const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

func structure(node *yaml.Node, open map[*yaml.Node]bool) (any, error) {
	if open[node] {
		return nil, errors.New("cycle")
	}
	open[node] = true
	defer delete(open, node)
	switch node.Kind {
	case yaml.AliasNode:
		target, err := structure(node.Alias, open)
		return map[string]any{"alias": target}, err
	case yaml.ScalarNode:
		scalar := map[string]any{"scalar": node.Value, "plain": node.Style&quoted == 0}
		if node.Style&yaml.TaggedStyle != 0 {
			scalar["tag"] = node.LongTag()
		} else if node.Tag == "!!str" {
			// The tag "!", or a plain text that is of no other type.
			scalar["plain"] = false
		}
		if node.Value == "<<" && node.Tag == "!!merge" {
			scalar["plain"] = true
		}
		return scalar, nil
	}
	list := []any{}
	for _, child := range node.Content {
		value, err := structure(child, open)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	if node.Kind == yaml.SequenceNode {
		return map[string]any{"list": list}, nil
	}
	pairs := [][]any{}
	for at := 0; at+1 < len(list); at += 2 {
		pairs = append(pairs, list[at:at+2])
	}
	return map[string]any{"mapping": pairs}, nil
}

func read(text string) (result map[string]any) {
	defer func() {
		if cause := recover(); cause != nil {
			result = map[string]any{"error": fmt.Sprint(cause)}
		}
	}()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	documents := []any{}
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return map[string]any{"documents": documents}
		}
		if err == nil && len(document.Content) == 1 {
			var value any
			value, err = structure(document.Content[0], map[*yaml.Node]bool{})
			documents = append(documents, value)
		}
		if err != nil {
			return map[string]any{"error": err.Error()}
		}
	}
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var text string
		if err := json.Unmarshal(line, &text); err != nil {
			panic(err)
		}
		if err := out.Encode(read(text)); err != nil {
			panic(err)
		}
	}
}
