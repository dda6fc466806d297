import Testing

@testable import uploadfs

@Suite("AWS's files of settings")
struct AWSProfileTests {
    @Test("A section ends where the next one begins; comments and parts of settings are none of it")
    func sections() {
        let text = """
            before = x
            # keys
            [default]
            aws_access_key_id = AK
            AWS_SECRET_ACCESS_KEY=s=k
            ; old = x
            s3 =
              region = nested
            [profile other]  # mine
            region = eu-west-1
            [services s]
            sts =
              endpoint_url = http://h
            [sso-session me]
            sso_region = us-east-1
            [broken
            region = x
            [ default ]
            aws_session_token = T
            [empty]
            """
        let sections = INIFile.sections(of: text)
        #expect(
            sections == [
                "default": [
                    "aws_access_key_id": "AK", "aws_secret_access_key": "s=k", "s3": "", "aws_session_token": "T",
                ],
                "profile other": ["region": "eu-west-1"], "services s": ["sts": ""],
                "sso-session me": ["sso_region": "us-east-1"], "empty": [:],
            ])
        #expect(INIFile.sections(of: "").isEmpty)
    }
}
