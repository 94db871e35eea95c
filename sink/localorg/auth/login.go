package auth

import (
	"context"
	"fmt"
	"strings"

	"sfsync/sink/localorg/envelope"
	"sfsync/sink/localorg/rest"
)

// maxSOAPLogin is the last API version that has login() (SOAP API guide, login()).
const maxSOAPLogin = 64

// maxLoginSize bounds the body of a login (SOAP API guide, login(): 10 KB).
const maxLoginSize = 10 << 10

// Login answers login() of the SOAP API, which needs no session; size is that of the envelope. The session is
// as good for the REST API.
func (s *Server) Login(ctx context.Context, call *envelope.Call, version, size int, base string) *rest.Response {
	switch {
	case version > maxSOAPLogin:
		return call.Fault("UNSUPPORTED", fmt.Sprintf("login() is not available in API version %d.0", version)) // wording unconfirmed
	case size > maxLoginSize:
		return call.Fault("EXCEEDED_MAX_SIZE_REQUEST", "the login request is larger than 10 KB")
	}
	p, err := s.check(ctx, call.Op.Value("username"), call.Op.Value("password"))
	if err != nil {
		return call.Fault("UNKNOWN_EXCEPTION", err.Error())
	}
	if p == nil || !p.active {
		return call.Fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
	}
	s.mu.Lock()
	a := s.accounts[p.id]
	timeout := s.state.Settings.timeout()
	token := ""
	if a != nil && a.Permissions.APIEnabled {
		token, err = s.open(session{user: p.id, scope: "full"})
	}
	s.mu.Unlock()
	switch {
	case err != nil:
		return call.Fault("UNKNOWN_EXCEPTION", err.Error())
	case token == "":
		return call.Fault("API_CURRENTLY_DISABLED", "API is disabled for this User")
	}
	kind := "u"
	if call.API == envelope.Enterprise {
		kind = "c"
	}
	org := s.cfg.OrganizationID[:15]
	at := func(kind string) string { return fmt.Sprintf("%s/services/Soap/%s/%d.0/%s", base, kind, version, org) }
	return call.Answer("<result>" + tags(
		"metadataServerUrl", at("m"), "passwordExpired", "false", "sandbox", "false", "serverUrl", at(kind), "sessionId", token, "userId", p.id,
	) + "<userInfo>" + s.userInfo(p, int(timeout.Seconds())) + "</userInfo></result>")
}

// UserInfo answers getUserInfo() of the SOAP API.
func (s *Server) UserInfo(ctx context.Context, call *envelope.Call, u *User) *rest.Response {
	p, err := s.person(ctx, u.ID)
	if err != nil {
		return call.Fault("UNKNOWN_EXCEPTION", err.Error())
	}
	set := s.Settings()
	return call.Answer("<result>" + s.userInfo(p, int(set.timeout().Seconds())) + "</result>")
}

// userInfo are the elements of GetUserInfoResult in the order of the WSDL.
func (s *Server) userInfo(p *person, seconds int) string {
	return tags("accessibilityMode", "false", "chatterExternal", "false", "currencySymbol", "$", "orgAttachmentFileSizeLimit", "5242880",
		"orgDefaultCurrencyIsoCode", "USD", "orgDefaultCurrencyLocale", "en_US", "orgDisallowHtmlAttachments", "false", "orgHasPersonAccounts", "false",
		"organizationId", s.cfg.OrganizationID, "organizationMultiCurrency", "false", "organizationName", "sfsync local org", "profileId", p.profile) +
		`<roleId xsi:nil="true"/>` + tags("sessionSecondsValid", fmt.Sprint(seconds)) + `<userDefaultCurrencyIsoCode xsi:nil="true"/>` +
		tags("userEmail", p.email, "userFullName", p.name, "userId", p.id, "userLanguage", p.language, "userLocale", p.locale, "userName", p.username,
			"userTimeZone", p.zone, "userType", p.userType, "userUiSkin", "Theme3")
}

// tags returns elements from names and texts by turns.
func tags(list ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(list); i += 2 {
		b.WriteString("<" + list[i] + ">" + envelope.Escape(list[i+1]) + "</" + list[i] + ">")
	}
	return b.String()
}
