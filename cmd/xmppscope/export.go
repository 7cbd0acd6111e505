package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"xmppscope/capture"
	"xmppscope/session"
)

// exportFlags say what is written, and where to.
type exportFlags struct {
	out, format string
	overwrite   bool
	shown       outputFlags
	in          inputFlags
	share       shareFlags
}

func newExport() *cobra.Command {
	o := new(exportFlags)
	cmd := &cobra.Command{
		Use: "export FILE… -o OUT", Short: "convert saved sessions; the format comes from OUT's extension", Args: someFiles,
		Long: exportHelp(),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := export(cmd.Context(), o, args)
			if o.out == toStdout && errors.Is(err, syscall.EPIPE) {
				say(os.Stderr, "standard output was closed: the export ends there")
				err = errSaid
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.out, "output", "o", "", "the `file` to write; - is standard output")
	f.StringVar(&o.format, "format", "", "the `FORMAT`, such as md, where OUT's extension does not say it (for -: pcapng)")
	f.BoolVar(&o.overwrite, "overwrite", false, "replace the output if it is there and not empty")
	f.BoolVar(&o.shown.reveal, "reveal", false, "keep secrets in the clear")
	o.in.add(f)
	f.StringVar(&o.shown.filter, "filter", "", "export only events that match (`EXPR`: see xmppscope help filter)")
	o.share.add(f)
	return cmd
}

func export(ctx context.Context, o *exportFlags, inputs []string) error {
	match, err := o.shown.matcher()
	if err != nil {
		return err
	}
	f, err := o.create(inputs)
	if err != nil {
		return err
	}
	events, keys := 0, 0
	o.in.wire = f.Wire() || f.Packets()
	err = o.in.read(ctx, inputs, func(e session.Event) error {
		if match != nil && !match(&e) {
			return nil
		}
		switch e.Body.(type) {
		case session.TLSSecret:
			keys++
		case session.WireBytes, session.WirePacket:
		default:
			events++
		}
		return f.Write(e)
	})
	stop := new(interruption)
	if err == nil || errors.As(err, &stop) {
		err = errors.Join(stopped(err, o.name()+" holds what was read"), f.Close())
	}
	if err != nil && !errors.As(err, &stop) {
		f.Discard()
	}
	if err != nil {
		return err
	}
	o.in.tellUnused()
	switch {
	case events == 0 && match != nil:
		say(os.Stderr, "warning: no event matches --filter: %s holds none", o.name())
	case events == 0:
		say(os.Stderr, "warning: there is nothing to export: %s holds no event", o.name())
	case keys == 0 && f.Format().Ext == ".keylog":
		say(os.Stderr, "warning: no TLS keys came with these sessions: %s holds none", o.name())
	}
	return nil
}

// create makes the output, before anything is read.
func (o *exportFlags) create(inputs []string) (*capture.File, error) {
	if o.out == "" {
		return nil, usageError{hinted{errors.New("export: no output is named"), "add -o OUT, such as -o login.xml"}}
	}
	if o.out != toStdout && capture.SameFile(o.out, filesOf(inputs)...) {
		return nil, usageError{hinted{fmt.Errorf("export: %s is an input too, and would be lost", o.out), "choose another name for -o"}}
	}
	options, err := o.share.options(o.shown.reveal)
	if err != nil {
		return nil, err
	}
	options.Packets = true
	if o.format != "" {
		options.Ext = "." + strings.TrimPrefix(o.format, ".")
	}
	var f *capture.File
	if o.out == toStdout {
		f, err = exportToStdout(options)
	} else {
		f, err = capture.CreateWhole(o.out, o.overwrite, options)
	}
	if err != nil {
		return nil, usageError{err}
	}
	if f.Secrets() {
		reader := "it is readable by you alone"
		if o.out == toStdout {
			reader = "whoever reads it has them"
		}
		say(os.Stderr, "%s will hold secrets (passwords, keys); %s: think before you share it", o.name(), reader)
	}
	return f, nil
}

// name is the output in words.
func (o *exportFlags) name() string {
	if o.out == toStdout {
		return "standard output"
	}
	return o.out
}

// exportToStdout refuses to write packets to a screen.
func exportToStdout(o capture.Options) (*capture.File, error) {
	if o.Ext == "" {
		o.Ext = ".pcapng"
	}
	format, err := capture.ForPath(o.Ext)
	if err == nil && format.Packets && isTerminal(os.Stdout) {
		return nil, hinted{fmt.Errorf("export: -o - writes %s to standard output, which is a terminal", format.Ext), "pipe it, or choose a format to read: --format txt"}
	}
	o.Piped = true
	return capture.Attach(os.Stdout, "standard output", o)
}

// filesOf are the files that inputs name, without the sessions that are chosen in
// them.
func filesOf(inputs []string) (out []string) {
	for _, name := range inputs {
		out = append(out, fileOf(name))
	}
	return out
}

const exportMore = `Secrets become placeholders such as [password #1, 12 characters] unless --reveal is
given; in .pcapng and .pcap only with --redact. To show a capture to others, look
at --pseudonymise as well: it replaces names, hosts, addresses and messages.

FILE#2 is session 2 of FILE alone. --filter is asked about each event, and about
packets and TLS keys as well: 'session == 2' keeps those of the session, 'stanza'
none. OUT has its name when it is whole; what was there before stays until then.

Of a packet capture that others have made, .pcapng keeps the packets of the XMPP
sessions as they were, on interfaces like the original ones, the TLS keys that open
them, from the capture or --keylog, and what xmppscope has to say: Wireshark opens and
decrypts that file alone. .pcap has the packets and no keys, or with --reveal what
they carried, in the clear. With --redact or --pseudonymise there are neither packets
nor keys. The inspector keeps packets of captures up to 64 MiB.

Exit codes: 0 done, even if there was nothing to export; 1 an input or the output
failed on the way; 2 the command line is wrong, an input cannot be read, or the output
cannot be made. After 1 and 2 there is no OUT.`

// exportHelp lists the formats.
func exportHelp() string {
	var b strings.Builder
	b.WriteString("Formats, by the extension of OUT:\n\n")
	for _, f := range capture.Formats() {
		secrets := ""
		if f.Secrets {
			secrets = " (holds secrets)"
		}
		fmt.Fprintf(&b, "  %-8s %s%s\n", f.Ext, f.Title, secrets)
	}
	b.WriteString("\n" + exportMore)
	return b.String()
}
