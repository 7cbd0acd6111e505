package expect

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"time"
)

// Extra is a test case that is no assertion, such as the findings of a session.
// Failure is why it fails, Skipped why it could not be told; "" if it is not so.
type Extra struct {
	Name, Failure, Skipped string
}

// The parts of a JUnit report, with the attributes that its common schemas ask
// for: id, package, timestamp and hostname are required by some.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string      `xml:"name,attr"`
		Package    string      `xml:"package,attr"`
		ID         int         `xml:"id,attr"`
		Timestamp  string      `xml:"timestamp,attr"`
		Hostname   string      `xml:"hostname,attr"`
		Tests      int         `xml:"tests,attr"`
		Failures   int         `xml:"failures,attr"`
		Errors     int         `xml:"errors,attr"`
		Skipped    int         `xml:"skipped,attr"`
		Time       string      `xml:"time,attr"`
		Properties struct{}    `xml:"properties"`
		Cases      []junitCase `xml:"testcase"`
		Out        string      `xml:"system-out"`
		Err        string      `xml:"system-err"`
	}
	junitCase struct {
		Name      string        `xml:"name,attr"`
		ClassName string        `xml:"classname,attr"`
		Time      string        `xml:"time,attr"`
		Skipped   *junitSkipped `xml:"skipped"`
		Failure   *junitFailure `xml:"failure"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes a report as JUnit XML: a test suite for each expectation, a test
// case for each assertion and session, and a suite "findings" for the extras.
func JUnit(w io.Writer, r Report, extras []Extra) error {
	var out junitSuites
	suite := func(name string) *junitSuite {
		name = cmp.Or(name, "expectations")
		for i := range out.Suites {
			if out.Suites[i].Name == name {
				return &out.Suites[i]
			}
		}
		out.Suites = append(out.Suites, junitSuite{
			Name: name, Package: "xmppscope", ID: len(out.Suites), Time: "0", Hostname: "localhost",
			Timestamp: r.Started.UTC().Truncate(time.Second).Format("2006-01-02T15:04:05"),
		})
		return &out.Suites[len(out.Suites)-1]
	}
	for i := range r.Results {
		x := &r.Results[i]
		suite(x.Expectation).add(caseOf(x))
	}
	for _, x := range extras {
		c := junitCase{Name: x.Name, ClassName: "xmppscope.findings", Time: "0"}
		if x.Failure != "" {
			c.Failure = &junitFailure{x.Failure, "finding", x.Failure}
		} else if x.Skipped != "" {
			c.Skipped = &junitSkipped{x.Skipped}
		}
		suite("findings").add(c)
	}
	for i := range out.Suites {
		out.Tests += out.Suites[i].Tests
		out.Failures += out.Suites[i].Failures
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(out); err != nil {
		return fmt.Errorf("expect: JUnit report: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

func caseOf(x *Result) junitCase {
	c := junitCase{Name: fmt.Sprintf("%s = %s", x.Assertion, x.Want), ClassName: "xmppscope." + cmp.Or(x.Expectation, "expectations"), Time: "0"}
	if x.Session > 0 {
		c.Name = fmt.Sprintf("session %d: %s", x.Session, c.Name)
	}
	switch x.Status {
	case Fails, Unknown:
		message := "got " + x.Got
		if x.Status == Unknown {
			message = "could not be judged: " + x.Got
		}
		text := fmt.Sprintf("want %s\n%s", x.Want, message)
		if where := x.Where(); where != "" {
			text += "\n" + where
		}
		c.Failure = &junitFailure{message, x.Status.String(), text}
	case Skipped:
		c.Skipped = &junitSkipped{x.Got}
	}
	return c
}

// Where names the event that a result is about, "" if there is none.
func (x *Result) Where() string {
	switch {
	case x.Seq == 0:
		return ""
	case x.Step != "":
		return fmt.Sprintf("#%d, %s", x.Seq, x.Step)
	}
	return fmt.Sprintf("#%d", x.Seq)
}
