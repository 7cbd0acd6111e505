package session

import "fmt"

// Class says what it means that a decoded field has another value in another login.
// It is set where the field is decoded (Note.Classed).
type Class uint8

// The classes of fields. What nothing is said about may decide.
const (
	Decides    Class = iota // it may decide how the login goes
	Detail                  // worth showing, but it decides nothing
	Identifier              // ids, nonces, salts: another one each time
	Elsewhere               // not compared by itself: it is a part of what is, or advice
)

// Holds says what the value of a decoded field is, and so what becomes of it under
// pseudonyms. It is set where the field is decoded (Note.Is).
type Holds uint8

// What a field can hold. What nothing is said about may be anything.
const (
	FreeText Holds = iota // what people or programs made up
	Word                  // a word or a number that the protocol defines
	JID                   // an address, whole or in part
	Host                  // a domain, a host, or an address of the network
	User                  // who logs in, by the name that a mechanism takes
	Resource              // a resource or a nickname
	ID                    // what tells one thing from another
	Sentence              // words of ours, with names among them
)

var (
	classNames = [...]string{Decides: "", Detail: "detail", Identifier: "identifier", Elsewhere: "elsewhere"}
	holdsNames = [...]string{FreeText: "", Word: "word", JID: "jid", Host: "host", User: "user", Resource: "resource", ID: "id", Sentence: "sentence"}
)

// String gives the name used in JSON, "" for Decides.
func (c Class) String() string { return classNames[c] }

// MarshalText makes a Class its name in JSON.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the name of a class. It fails if there is none of that name.
func (c *Class) UnmarshalText(b []byte) error {
	i, err := named(classNames[:], "class", b)
	*c = Class(i)
	return err
}

// String gives the name used in JSON, "" for FreeText.
func (h Holds) String() string { return holdsNames[h] }

// MarshalText makes a Holds its name in JSON.
func (h Holds) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads the name of what a field holds. It fails if there is none of
// that name.
func (h *Holds) UnmarshalText(b []byte) error {
	i, err := named(holdsNames[:], "content", b)
	*h = Holds(i)
	return err
}

// named finds a name in a list.
func named(names []string, what string, b []byte) (int, error) {
	for i, name := range names {
		if name == string(b) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("session: unknown %s %q", what, b)
}
