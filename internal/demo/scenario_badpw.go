package demo

func init() {
	scenarios = append(scenarios, Scenario{
		Name:  "badpw",
		Title: "a wrong password: SCRAM-SHA-256 ends in not-authorized",

		Domain:   "xmpp.example",
		Offered:  []string{"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"},
		User:     "alice",
		Password: "down the rabbit hole",

		Mechanism: "SCRAM-SHA-256",
		Types:     "down the rabit hole",
		Resource:  "wonderland",
		Contact:   "bob@xmpp.example",
		Refused:   true,
	})
}
