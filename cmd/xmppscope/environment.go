package main

import (
	"os"
	"slices"
	"strings"
)

// controlToken is the variable that holds the token of control, for mcp.
const controlToken = "XMPPSCOPE_CONTROL_TOKEN"

// clientEnvironment is ours, for a client or a script that we start: what is ours alone is left out.
func clientEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == viaPassword || name == controlToken
	})
}
