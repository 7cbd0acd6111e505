//go:build !unix

package main

import "os"

// terminalSignals are those that a terminal sends to all that run in it.
var terminalSignals = []os.Signal{os.Interrupt}

// ourSignals are those that run takes.
var ourSignals = terminalSignals

// signalled says that there are no signals here.
func signalled(*os.ProcessState) (signal int, yes bool) { return 0, false }
