import Testing
import UploadCore

@testable import UploadServer

/// Each refusal over a real connection, with its status and its type.
@Suite(.timeLimit(.minutes(1)))
struct RefusalTests {
    @Test func whoHasNoTokenIsTurnedAway() async throws {
        try await ServerUnderTest.run(adjust: { $0.token = "geheim" }) { server async throws in
            for (method, target) in [
                ("GET", "/"), ("GET", "/health"), ("GET", "/upload/limits"), ("POST", "/upload/init"),
                ("GET", "/files/a"), ("PUT", "/files/a"), ("GET", "/nowhere"),
            ] {
                let refused = try await server.ask(method, target)
                #expect(refused.problem == .unauthorized)
                #expect(refused.headers["www-authenticate"] == "Bearer realm=\"uploadfs\"")
            }
            for wrong in ["Bearer geheim2", "Bearer gehei", "Bearer ", "Basic geheim", "geheim", "Bearer  geheim"] {
                #expect(try await server.ask("GET", "/health", ["Authorization": wrong]).problem == .unauthorized)
            }
            for right in ["Bearer geheim", "bearer geheim"] {
                #expect(try await server.ask("GET", "/health", ["Authorization": right]).status == 200)
            }
        }
    }

    @Test func publicReadOpensReadingOnly() async throws {
        try await ServerUnderTest.run(adjust: {
            $0.token = "geheim"
            $0.publicRead = true
        }) { server async throws in
            let token = ["Authorization": "Bearer geheim"]
            #expect(try await server.put("/files/a", "x").problem == .unauthorized)
            #expect(try await server.put("/files/a", "x", token).status == 201)
            #expect(try await server.ask("GET", "/files/a").text == "x")
            #expect(try await server.ask("HEAD", "/files/a").status == 200)
            #expect(try await server.ask("GET", "/upload/limits").problem == .unauthorized)
        }
    }

    @Test func whatIsNotThereIsNotFound() async throws {
        try await ServerUnderTest.run { server async throws in
            for target in ["/nowhere", "/files", "/upload/", "/upload/chunks", "/files/none", "/files/no/ne"] {
                #expect(try await server.ask("GET", target).problem == .notFound)
            }
            let unknown = "/upload/status?session=\(SessionIdentifier.random())"
            #expect(try await server.ask("GET", unknown).problem == .unknownSession)
            #expect(try await server.ask("GET", "/upload/status?session=../..").problem == .unknownSession)
        }
    }

    @Test(arguments: [
        ("POST", "/files/a", "GET, HEAD, PUT"), ("DELETE", "/files/a", "GET, HEAD, PUT"),
        ("GET", "/upload/init", "POST"),
        ("POST", "/upload/chunk", "PUT"), ("PUT", "/upload/finalize", "POST"), ("POST", "/upload/status", "GET"),
        ("GET", "/upload", "DELETE"), ("POST", "/health", "GET"), ("PUT", "/", "GET"),
    ])
    func aMethodThatDoesNotBelongThere(_ method: String, _ target: String, _ allowed: String) async throws {
        try await ServerUnderTest.run { server async throws in
            let refused = try await server.ask(method, target)
            #expect(refused.status == 405)
            #expect(refused.problem == .notFound)
            #expect(refused.headers["allow"] == allowed)
        }
    }

    @Test func aBodyOfUnknownLengthIsRefused() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            for target in ["/files/a", "/upload/chunk?session=\(session)&index=0"] {
                let connection = try RawConnection(port: server.port)
                try await connection.send(
                    "PUT \(target) HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Digest: \(digest("x"))\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")
                #expect(try await Answer(connection.receiveAll()).problem == .lengthRequired)
            }
        }
    }

    @Test func whatIsTooLargeIsRefusedWithItsLimit() async throws {
        try await ServerUnderTest.run(adjust: { $0.maximumFileSize = 10 }) { server async throws in
            func limit(_ answer: Answer) throws -> Int64? {
                #expect(answer.problem == .tooLarge)
                return try answer.decode(NativeProtocol.Problem.self).limit
            }
            #expect(try limit(try await server.put("/files/a", "0123456789a")) == 10)
            #expect(try await server.put("/files/a", "0123456789").status == 201)
            let order = NativeProtocol.InitRequest(name: "a", size: 11, contentType: "a/b", chunkSize: 4, metadata: [:])
            #expect(try limit(try await server.post("/upload/init", order)) == 10)
            let session = try await server.begin(chunkSize: 4)
            #expect(session.maxFileSize == 10)
            #expect(try limit(try await server.chunk(session.session, 0, "01234")) == 4)
            #expect(try limit(try await server.chunk(session.session, 2, "012")) == 10)
            #expect(try limit(try await server.chunk(session.session, Int.max, "0")) == nil)
            #expect(try await server.chunk(session.session, 2, "01").status == 200)
            #expect(try limit(try await server.finalize(session.session, "0123456789a")) == 10)
        }
    }

    @Test func aTypeThatIsNotTakenIsRefused() async throws {
        try await ServerUnderTest.run(adjust: { $0.allowedTypes = ["image/*"] }) { server async throws in
            #expect(try await server.put("/files/a", "x", ["Content-Type": "text/plain"]).problem == .typeRefused)
            #expect(try await server.put("/files/a", "x").problem == .typeRefused)
            #expect(try await server.put("/files/a", "x", ["Content-Type": "image/png"]).status == 201)
            let order = NativeProtocol.InitRequest(name: "a", size: 1, contentType: "a/b", chunkSize: 4, metadata: [:])
            #expect(try await server.post("/upload/init", order).problem == .typeRefused)
        }
    }

    @Test func tooManyOpenSessionsAreRefusedUntilOneEnds() async throws {
        try await ServerUnderTest.run(adjust: { $0.maximumSessions = 2 }) { server async throws in
            let one = try await server.begin().session
            let other = try await server.begin().session
            let order = NativeProtocol.InitRequest(name: "a", size: 1, contentType: "a/b", chunkSize: 4, metadata: [:])
            let refused = try await server.post("/upload/init", order)
            #expect(refused.problem == .tooMany)
            #expect(refused.headers["retry-after"] == "30")
            #expect(try await server.finalize(one, "").status == 200)
            #expect(try await server.post("/upload/init", order).status == 201)
            #expect(try await server.ask("DELETE", "/upload?session=\(other)").status == 204)
            #expect(try await server.post("/upload/init", order).status == 201)
        }
    }

    @Test func requestsThatCannotBeRead() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            let chunk = "/upload/chunk?session=\(session)&index=0"
            let bodies: [(String, String)] = [
                ("/upload/init", "{"), ("/upload/init", "{}"), ("/upload/finalize", "[]"),
                ("/upload/init", #"{"name":"a","contentType":"a/b","chunkSize":0,"metadata":{}}"#),
                ("/upload/init", #"{"name":"a","size":-1,"contentType":"a/b","chunkSize":1,"metadata":{}}"#),
                ("/upload/init", #"{"name":"a","contentType":"a/b\r\nX: y","chunkSize":1,"metadata":{}}"#),
                ("/upload/init", #"{"name":"a","contentType":"a/b","chunkSize":1,"metadata":{"mode":"rw"}}"#),
                ("/upload/finalize", #"{"session":"\#(session)","name":"a","size":0,"digest":"sha-512=:AAAA:"}"#),
            ]
            for (target, body) in bodies {
                #expect(try await server.ask("POST", target, [:], Array(body.utf8)).problem == .malformed)
            }
            #expect(try await server.put(chunk, "x", ["Content-Digest": "none"]).problem == .malformed)
            #expect(try await server.put(chunk, "x", ["Content-Digest": "md5=:AAAA:"]).problem == .malformed)
            #expect(try await server.put(chunk, "").problem == .malformed)
            #expect(try await server.put("/files/a", "x", ["Content-Digest": "none"]).problem == .malformed)
            #expect(try await server.put("/files/a", "x", ["X-Upload-Mode": "rwx"]).problem == .malformed)
            #expect(try await server.put("/upload/chunk?session=\(session)", "x").problem == .malformed)
            #expect(try await server.put("/upload/chunk?session=\(session)&index=-1", "x").problem == .malformed)
            #expect(try await server.put("/upload/chunk?index=0", "x").problem == .malformed)
        }
    }

    @Test func theLimitsAreTold() async throws {
        try await ServerUnderTest.run(adjust: {
            $0.maximumFileSize = 100
            $0.allowedTypes = ["image/*"]
        }) { server async throws in
            let limits = try await server.ask("GET", "/upload/limits").decode(NativeProtocol.LimitsResponse.self)
            #expect(
                limits
                    == NativeProtocol.LimitsResponse(
                        chunkSize: 1 << 20, maxFileSize: 100, allowedTypes: ["image/*"]))
            #expect(try await server.ask("GET", "/health").status == 200)
            #expect(try await server.ask("GET", "/").status == 200)
        }
    }
}
