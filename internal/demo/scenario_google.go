package demo

// The founding document's own account: base64 of NUL, user, NUL, password is the
// payload it prints, AHlzb25nLmxlZUBnbWFpbC5jb20AeXNvbmdAMTk4NA==.
const (
	foundingUser     = "ysong.lee@gmail.com"
	foundingPassword = "ysong@1984"
)

func init() {
	scenarios = append(scenarios, Scenario{
		Name:  "google",
		Title: "a Google Talk login of 2008 in 18 steps: STARTTLS, PLAIN, bind, session",

		Domain:   "gmail.com",
		Google:   true,
		Clear:    []string{"X-GOOGLE-TOKEN"},
		Offered:  []string{"PLAIN", "X-GOOGLE-TOKEN"},
		Session:  true,
		User:     foundingUser,
		Password: foundingPassword,

		Mechanism: "PLAIN",
		Resource:  "Talk.v104",
		Contact:   "echo.bot@gmail.com",
		Says:      "18 steps, and here I am",
	})
}
