package decode

import (
	"bytes"

	"xmppscope/session"
)

// boshRequest is what has to be known of a <body/> of BOSH to read the answer.
type boshRequest struct {
	is    bool
	opens bool // it begins a session
}

// tellBOSH tells a body of HTTP that is one of BOSH (XEP-0124 §4): its wrapper, what is in
// it, and the end of the stream. It is false where it is none.
func (s *Stream) tellBOSH(dir session.Dir, text []byte, to *boshRequest) bool {
	head, _ := Prolog(bytes.TrimPrefix(text, []byte(bom)))
	tag, whole := StartTag(head)
	root, _ := ParseTag(tag, nil)
	if !whole || root == nil || root.Name.Local != "body" || root.Name.Space != NSBOSH {
		return false
	}
	body := boshBody(root)
	restarts := attrIn(root, NSXBOSH, "restart") == "true"
	var opened bool
	if dir == session.C2S {
		to.is, to.opens = true, body.SID == ""
		opened = to.opens || restarts
	} else {
		opened = to.opens && body.SID != ""
	}
	wrapper := Piece{Dir: dir, Frame: Frame{Raw: bytes.Clone(tag), Size: int64(len(tag)), Name: []byte("body"), Offset: s.lanes[dir].scan.Offset()}}
	s.lanes[dir].scan.skip(int64(len(tag))) // no two elements stand in one place
	if opened {
		wrapper.Kind, wrapper.Frame.Tag = Opened, wrapper.Raw
	} else {
		wrapper.Body = body
	}
	s.ready = append(s.ready, wrapper)
	if !bytes.HasSuffix(tag, []byte("/>")) {
		inner := head[len(tag):]
		if i := bytes.LastIndex(inner, []byte("</")); i >= 0 {
			inner = inner[:i]
		}
		s.tellInside(dir, tag, inner)
	}
	if body.Type == "terminate" {
		s.ready = append(s.ready, Piece{Dir: dir, Frame: Frame{Kind: Closed, Offset: s.lanes[dir].scan.Offset()}})
	}
	return true
}

func boshBody(root *session.Element) session.BOSHBody {
	return session.BOSHBody{SID: root.Attr("sid"), RID: root.Attr("rid"), Type: root.Attr("type"), Condition: root.Attr("condition")}
}

// tellInside tells what is in a body.
func (s *Stream) tellInside(dir session.Dir, tag, inner []byte) {
	scan := &s.lanes[dir].scan
	scan.root = append(scan.root[:0], tag...)
	for rest := inner; len(rest) > 0; {
		n, f, ok := scan.Next(rest)
		if rest = rest[n:]; !ok {
			break
		}
		if f.Kind == Whitespace {
			continue
		}
		s.tell(Piece{Frame: f, Dir: dir})
	}
	if f, ok := scan.Finish(); ok && f.Kind != Whitespace {
		s.tell(Piece{Frame: f, Dir: dir})
	}
	scan.Reset()
}

// attrIn is an attribute of a namespace, "" if there is none.
func attrIn(root *session.Element, space, local string) string {
	for i := range root.Attrs {
		if a := &root.Attrs[i]; a.Name.Local == local && a.Name.Space == space {
			return a.Value
		}
	}
	return ""
}
