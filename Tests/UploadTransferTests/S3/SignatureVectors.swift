/// Test vectors that AWS publishes for Signature Version 4 (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4), but for
/// those that simplify paths: S3 takes them as they are. All are of 2015-08-30T12:36:00Z, us-east-1, "service".
enum SignatureVectors {
    struct Vector: Sendable, CustomStringConvertible {
        let description: String
        let method: String
        let path: String
        let query: [[String]]
        let fields: [[String]]
        let payloadHash: String
        let signature: String
        var sessionToken: String?
    }

    static let all: [Vector] = [
        Vector(
            description: "get-header-key-duplicate", method: "GET",
            path: "/",
            query: [],
            fields: [
                ["Host", "example.amazonaws.com"], ["My-Header1", "value2"], ["My-Header1", "value2"],
                ["My-Header1", "value1"], ["X-Amz-Date", "20150830T123600Z"],
            ],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"),
        Vector(
            description: "get-header-value-multiline", method: "GET",
            path: "/",
            query: [],
            fields: [
                ["Host", "example.amazonaws.com"], ["My-Header1", "value1\n  value2\n     value3"],
                ["X-Amz-Date", "20150830T123600Z"],
            ],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd"),
        Vector(
            description: "get-header-value-order", method: "GET",
            path: "/",
            query: [],
            fields: [
                ["Host", "example.amazonaws.com"], ["My-Header1", "value4"], ["My-Header1", "value1"],
                ["My-Header1", "value3"], ["My-Header1", "value2"], ["X-Amz-Date", "20150830T123600Z"],
            ],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"),
        Vector(
            description: "get-header-value-trim", method: "GET",
            path: "/",
            query: [],
            fields: [
                ["Host", "example.amazonaws.com"], ["My-Header1", " value1"], ["My-Header2", " \"a   b   c\""],
                ["X-Amz-Date", "20150830T123600Z"],
            ],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
        Vector(
            description: "get-relative-relative-unnormalized", method: "GET",
            path: "/example1/example2/../..",
            query: [],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b"),
        Vector(
            description: "get-relative-unnormalized", method: "GET",
            path: "/example/..",
            query: [],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "eca7ead57bb5aa5c8e28007acd4ff04e1ff9a0ff3b237ec1554a184887ff9282"),
        Vector(
            description: "get-slash-dot-slash-unnormalized", method: "GET",
            path: "/./",
            query: [],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "68714168e6557f8f2de0ef956fc24dc2593a4bd2961f8df51898d8a134695145"),
        Vector(
            description: "get-slash-pointless-dot-unnormalized", method: "GET",
            path: "/./example",
            query: [],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "beb03f223f7deae4146464f06e29eebbee9c8afbe15c290cf07aa8b119e14cff"),
        Vector(
            description: "get-slash-unnormalized", method: "GET",
            path: "//",
            query: [],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "c88bcd3d312d75078c0cd961d6deae3f4c754924b01669efcfcb439fd5e5b76e"),
        Vector(
            description: "get-slashes-unnormalized", method: "GET",
            path: "//example//",
            query: [],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5"),
        Vector(
            description: "get-space-unnormalized", method: "GET",
            path: "/example%20space/",
            query: [],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
        Vector(
            description: "get-unreserved", method: "GET",
            path: "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            query: [],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
        Vector(
            description: "get-utf8", method: "GET",
            path: "/%E1%88%B4",
            query: [],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        Vector(
            description: "get-vanilla-empty-query-key", method: "GET",
            path: "/",
            query: [["Param1", "value1"]],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
        Vector(
            description: "get-vanilla-query-order-encoded", method: "GET",
            path: "/",
            query: [["Param-3", "Value3"], ["Param", "Value2"], ["%E1%88%B4", "Value1"]],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"),
        Vector(
            description: "get-vanilla-query-order-key-case", method: "GET",
            path: "/",
            query: [["Param2", "value2"], ["Param1", "value1"]],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        Vector(
            description: "get-vanilla-query-unreserved", method: "GET",
            path: "/",
            query: [
                [
                    "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                    "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                ]
            ],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
        Vector(
            description: "get-vanilla-query", method: "GET",
            path: "/",
            query: [],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        Vector(
            description: "get-vanilla-utf8-query", method: "GET",
            path: "/",
            query: [["%E1%88%B4", "bar"]],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
        Vector(
            description: "get-vanilla-with-session-token", method: "GET",
            path: "/",
            query: [],
            fields: [
                ["Host", "example.amazonaws.com"],
                ["X-Amz-Security-Token", "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"],
                ["X-Amz-Date", "20150830T123600Z"],
            ],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
            sessionToken: "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"),
        Vector(
            description: "get-vanilla", method: "GET",
            path: "/",
            query: [],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        Vector(
            description: "post-header-key-case", method: "POST",
            path: "/",
            query: [],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        Vector(
            description: "post-header-key-sort", method: "POST",
            path: "/",
            query: [],
            fields: [
                ["Host", "example.amazonaws.com"], ["My-Header1", "value1"], ["X-Amz-Date", "20150830T123600Z"],
            ],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
        Vector(
            description: "post-header-value-case", method: "POST",
            path: "/",
            query: [],
            fields: [
                ["Host", "example.amazonaws.com"], ["My-Header1", "VALUE1"], ["X-Amz-Date", "20150830T123600Z"],
            ],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"),
        Vector(
            description: "post-sts-header-after", method: "POST",
            path: "/",
            query: [],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            sessionToken:
                "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
        ),
        Vector(
            description: "post-sts-header-before", method: "POST",
            path: "/",
            query: [],
            fields: [
                ["Host", "example.amazonaws.com"],
                [
                    "X-Amz-Security-Token",
                    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==",
                ], ["X-Amz-Date", "20150830T123600Z"],
            ],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
            sessionToken:
                "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
        ),
        Vector(
            description: "post-vanilla-empty-query-value", method: "POST",
            path: "/",
            query: [["Param1", "value1"]],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
        Vector(
            description: "post-vanilla-query", method: "POST",
            path: "/",
            query: [["Param1", "value1"]],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
        Vector(
            description: "post-vanilla", method: "POST",
            path: "/",
            query: [],
            fields: [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"]],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        Vector(
            description: "post-x-www-form-urlencoded-parameters", method: "POST",
            path: "/",
            query: [],
            fields: [
                ["Content-Type", "application/x-www-form-urlencoded; charset=utf-8"],
                ["Host", "example.amazonaws.com"], ["Content-Length", "13"], ["X-Amz-Date", "20150830T123600Z"],
                ["x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"],
            ],
            payloadHash: "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
            signature: "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422"),
        Vector(
            description: "post-x-www-form-urlencoded", method: "POST",
            path: "/",
            query: [],
            fields: [
                ["Content-Type", "application/x-www-form-urlencoded"], ["Host", "example.amazonaws.com"],
                ["Content-Length", "13"], ["X-Amz-Date", "20150830T123600Z"],
                ["x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"],
            ],
            payloadHash: "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
            signature: "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"),
    ]
}
