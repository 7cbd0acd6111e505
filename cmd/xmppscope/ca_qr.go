package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"rsc.io/qr"

	"xmppscope/certs"
)

func newCAQR(c *caFlags) *cobra.Command {
	return &cobra.Command{
		Use: "qr HOST:PORT", Short: "a QR code with host, port and CA, for a phone", Args: takes(1, 1, "one HOST:PORT"),
		Long: `Draws a QR code that holds, as text, the host and port to set in a phone's client and the
certificate of the CA (PEM). A phone's camera shows the text; saved as xmppscope.crt the
certificate can be installed, or picked in the client.

HOST is this machine as the phone reaches it; let xmppscope listen there (--listen with
--allow-remote). The code takes 50 lines of 100 columns.`,
		Example: "  xmppscope ca qr 192.0.2.7:5222",
		RunE: func(_ *cobra.Command, args []string) error {
			if _, _, err := net.SplitHostPort(args[0]); err != nil {
				return usageError{fmt.Errorf("%q: want HOST:PORT", args[0])}
			}
			ca, err := c.open()
			if err != nil {
				return err
			}
			return drawQR(os.Stdout, phoneText(args[0], ca), isTerminal(os.Stdout))
		},
	}
}

// phoneText is what the code holds.
func phoneText(addr string, ca *certs.CA) string {
	host, port, _ := net.SplitHostPort(addr)
	return fmt.Sprintf("XMPP host: %s\nport: %s\n%s", host, port, ca.RootPEM())
}

// quietZone is the light border that a reader needs, in modules (ISO/IEC 18004).
const quietZone = 4

// drawQR draws a code with two modules to a character. In a terminal dark is black and light
// white, whatever its colours are.
func drawQR(w io.Writer, text string, terminal bool) error {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return errors.New("it is more than a QR code holds")
	}
	var out strings.Builder
	for y := -quietZone; y < code.Size+quietZone; y += 2 {
		if terminal {
			out.WriteString("\x1b[30;107m")
		}
		for x := -quietZone; x < code.Size+quietZone; x++ {
			switch upper, lower := code.Black(x, y), code.Black(x, y+1); {
			case upper && lower:
				out.WriteString("█")
			case upper:
				out.WriteString("▀")
			case lower:
				out.WriteString("▄")
			default:
				out.WriteString(" ")
			}
		}
		if terminal {
			out.WriteString(colReset)
		}
		out.WriteString("\n")
	}
	_, err = io.WriteString(w, out.String())
	return err
}
