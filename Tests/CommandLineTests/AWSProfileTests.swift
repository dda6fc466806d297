import Testing

@testable import uploadfs

@Suite("AWS's files of settings")
struct AWSProfileTests {
    @Test("A section ends where the next one begins; comments and parts of settings are none of it")
    func sections() {
        let text = """
            # keys
            [default]
            aws_access_key_id = AK
            AWS_SECRET_ACCESS_KEY=s=k
            ; old = x
            s3 =
              region = nested
            [profile other]
            region = eu-west-1
            """
        let settings = INIFile.section("default", of: text)
        #expect(settings["aws_access_key_id"] == "AK" && settings["aws_secret_access_key"] == "s=k")
        #expect(settings["region"] == nil && settings["old"] == nil)
        #expect(INIFile.section("profile other", of: text) == ["region": "eu-west-1"])
        #expect(INIFile.section("none", of: text).isEmpty)
    }
}
