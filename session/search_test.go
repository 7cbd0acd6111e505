package session_test

import (
	"testing"

	"xmppscope/session"
)

func TestSearch(t *testing.T) {
	e := session.Event{
		Seen: session.Seen{Body: session.StreamElement{}, Raw: []byte("<Auth>hunter2</Auth>")},
		Said: session.Said{Done: true, Summary: "Grüße AN alle", Step: &session.Step{ID: "sasl-auth", Title: "The login"},
			Notes:   []session.Note{{Name: "mechanism", Value: "PLAIN", Text: "in the clear"}},
			Secrets: []session.Secret{{Kind: "password", Span: session.Span{Start: 6, End: 13}, Mark: "[password #1, 7 characters]"}}},
	}
	for text, want := range map[string][2]bool{ // blanked, revealed
		"auth>": {true, true}, "plain": {true, true}, "GRÜSSE": {false, false}, "grÜße an": {true, true}, "SASL-A": {true, true},
		"hunter": {false, true}, "password #1": {true, true}, "stream:EL": {true, true}, "nowhere": {false, false},
	} {
		for i, reveal := range []bool{false, true} {
			if got := session.NewSearch(text, reveal).In(&e); got != want[i] {
				t.Errorf("%q, revealed %v: %v", text, reveal, got)
			}
		}
	}
}

// BenchmarkAsk asks events that lie in the spill file, for the most part, what none of them
// is: what each of a million costs shows in it. The inspector wants all of them in 5 s.
func BenchmarkAsk(b *testing.B) {
	events := everyday(b, 2000)
	l := session.NewLogOf(b, 4<<20)
	defer l.Close()
	for l.Len() < 50_000 {
		l.AppendAll(events)
	}
	ask := func(name string, is func(*session.Event) bool) {
		b.Run(name, func(b *testing.B) {
			asked := 0
			for b.Loop() {
				for at := 0; at < l.Len(); {
					events, next := l.Read(at)
					for i := range events {
						if is(&events[i]) {
							b.Fatal("it is there")
						}
					}
					asked += next - at
					at = next
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(asked), "ns/event")
		})
	}
	for _, source := range []string{`name == "nothing"`, `from == "nobody"`, `body contains "nothing"`, `raw contains "nothing"`, `field("nothing") == "x"`, `bare == "x" || payload == "y" || condition == "z" || rtt > 1e9 || severity == "w"`} {
		is, err := session.CompileFilter(source)
		if err != nil {
			b.Fatal(err)
		}
		ask(source, is)
	}
	ask("search", session.NewSearch("No such text", false).In)
}
