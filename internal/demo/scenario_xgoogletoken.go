package demo

func init() {
	scenarios = append(scenarios, Scenario{
		Name:  "xgoogletoken",
		Title: "the same server, with the token of an earlier web login in place of the password",

		Domain:  "gmail.com",
		Google:  true,
		Clear:   []string{"X-GOOGLE-TOKEN"},
		Offered: []string{"PLAIN", "X-GOOGLE-TOKEN"},
		Session: true,
		User:    "juliet.capulet@gmail.com",
		// Made up, in the shape of those that ClientLogin gave out over HTTPS: it
		// comes from outside the stream, which is why the ladder cannot show its origin.
		Token: "DQAAAGgAAADemoOnly7R5f3kQm1vT0xgW2sLhYc9pZaEuJdNbXoKtVr4MwIyGq6CfBlSn8HjPU",

		Mechanism: "X-GOOGLE-TOKEN",
		Resource:  "Talk.v104",
		Contact:   "echo.bot@gmail.com",
		Says:      "no password was sent this time",
	})
}
