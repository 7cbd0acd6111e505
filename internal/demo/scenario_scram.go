package demo

func init() {
	scenarios = append(scenarios, Scenario{
		Name:  "scram",
		Title: "a login of today: SCRAM-SHA-256, no session rungs",

		Domain:   "xmpp.example",
		Offered:  []string{"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"},
		User:     "alice",
		Password: "down the rabbit hole",

		Mechanism: "SCRAM-SHA-256",
		Resource:  "wonderland",
		Contact:   "bob@xmpp.example",
		Says:      "the password never left my machine",
	})
}
