// Renders conversations with Go's own text/template, given to it as Ollama gives them: the system messages apart and
// joined, the messages as they are. Run as: go run render.go TEMPLATE < conversations.jsonl
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"
)

type message struct {
	Role     string `json:"role"`
	Content  string `json:"content"`
	Thinking string `json:"reasoning_content"`
}

func main() {
	source, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	parsed := template.Must(template.New("").Option("missingkey=zero").Parse(string(source)))
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	decoder := json.NewDecoder(os.Stdin)
	for decoder.More() {
		var messages []message
		if err := decoder.Decode(&messages); err != nil {
			panic(err)
		}
		var system []string
		for _, one := range messages {
			if one.Role == "system" {
				system = append(system, one.Content)
			}
		}
		var out strings.Builder
		given := map[string]any{"System": strings.Join(system, "\n\n"), "Messages": messages, "Response": ""}
		if err := parsed.Execute(&out, given); err != nil {
			panic(fmt.Sprint(err))
		}
		if err := encoder.Encode(out.String()); err != nil {
			panic(err)
		}
	}
}
