import Foundation
import TestSupport
import Testing
import UploadCore
import UploadTransfer

extension EndToEnd {
    /// What a destination promises (`Destination`, `UploadSession`), asked of each of them with real servers.
    @Suite struct ConformanceTests {
        enum Kind: String, CaseIterable, CustomTestStringConvertible {
            case native, seaweed, rclone

            var testDescription: String { rawValue }

            func receiver(_ scene: Scene) throws -> any Receiver {
                switch self {
                case .native: try scene.server()
                case .seaweed: try ObjectStore()
                case .rclone: try RcloneServer()
                }
            }
        }

        /// A destination and the bytes that go there.
        private struct Bench: Sendable {
            let kind: Kind
            let receiver: any Receiver
            let client: CurlClient
            let spool = MemorySpool()

            /// As each process makes its own.
            func destination() throws -> any Destination {
                let url = receiver.destination(by: receiver.port)
                guard kind != .native else {
                    return NativeDestination(
                        baseURL: url, client: client, credentials: { nil }, options: NativeOptions(origin: "bench"))
                }
                let credentials = S3Credentials(accessKey: BucketKeys.access, secretKey: BucketKeys.secret)
                return S3Destination(
                    try S3Location(url), client: client, credentials: FixedCredentials(credentials),
                    options: S3Options(origin: "bench"))
            }

            func object(_ name: String, _ size: Int64?) throws -> ObjectDescription {
                ObjectDescription(
                    path: try UploadPath(name), size: size, contentType: "application/octet-stream",
                    modified: Timestamp(seconds: 1_700_000_000), mode: 0o640)
            }

            /// A spool file with bytes that no other has.
            func file(_ number: Int64, _ size: Int) throws -> any SpoolFile {
                let file = try spool.create(VersionID(number))
                try file.write((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9 &+ Int(number)) }, at: 0)
                return file
            }

            func expect(_ name: String, is file: any SpoolFile, _ location: SourceLocation = #_sourceLocation) throws {
                let place = try receiver.received((name as NSString).deletingLastPathComponent)
                let arrived = try Data(
                    contentsOf: URL(fileURLWithPath: place + "/" + (name as NSString).lastPathComponent))
                #expect(Array(arrived) == (try file.contents()), sourceLocation: location)
            }

            /// In as many requests as it takes.
            func publish(_ name: String, _ file: any SpoolFile, _ size: Int64) async throws -> PublishReceipt {
                let destination = try destination()
                let object = try object(name, size)
                let count = destination.limits.schedule.count(size: size)
                guard count > 1 else { return try await destination.put(object, content: file, sent: ByteCounter()) }
                let session = try await destination.begin(object)
                let chunks = try (0..<count).map { try chunk($0, size) }
                for chunk in chunks { _ = try await session.send(chunk, content: file, sent: ByteCounter()) }
                return try await session.finish(object, content: file, chunks: chunks)
            }

            func chunk(_ index: Int, _ size: Int64, generation: UInt32 = 0) throws -> ChunkRef {
                let range = try destination().limits.schedule.range(of: index..<index + 1)
                return ChunkRef(
                    index: index, generation: generation, range: range.lowerBound..<min(range.upperBound, size))
            }
        }

        private func with(_ kind: Kind, _ body: (Bench) async throws -> Void) async throws {
            let scene = try Scene()
            let client = try CurlClient()
            let bench = Bench(kind: kind, receiver: try kind.receiver(scene), client: client)
            let outcome: Result<Void, any Error>
            do {
                try await body(bench)
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            await client.shutdown()
            try outcome.get()
        }

        private static let size: Int64 = 12_000_000

        @Test("Files in one request", .timeLimit(.minutes(2)), arguments: Kind.allCases)
        func whole(_ kind: Kind) async throws {
            try await with(kind) { bench in
                let destination = try bench.destination()
                try await destination.probe()
                for (number, name) in ["w/small", "w/empty", "w/ä +&#%'~ .txt", "w/deep er/still"].enumerated() {
                    let size = number == 1 ? 0 : 1000 + number
                    let file = try bench.file(Int64(number + 1), size)
                    let sent = ByteCounter()
                    let receipt = try await destination.put(
                        bench.object(name, Int64(size)), content: file, sent: sent)
                    #expect(receipt.size == Int64(size) && !receipt.url.isEmpty && receipt.digest.hasPrefix("sha-256="))
                    #expect(sent.value == Int64(size))
                    try bench.expect(name, is: file)
                }
                let newer = try bench.file(9, 500)
                _ = try await destination.put(bench.object("w/small", 500), content: newer, sent: ByteCounter())
                try bench.expect("w/small", is: newer)
                let unwanted = try bench.object("w/none", 500)
                let nothing = await failure { () async throws(DestinationError) in
                    _ = try await destination.put(
                        unwanted, content: newer, sent: ByteCounter(), isCurrent: { false })
                }
                #expect(nothing == .cancelled)
            }
        }

        @Test(
            "Chunks in any order, from several processes, replaced, asked for, and made a file of once",
            .timeLimit(.minutes(2)), arguments: Kind.allCases)
        func chunks(_ kind: Kind) async throws {
            try await with(kind) { bench in
                let destination = try bench.destination()
                let older = try bench.file(1, Int(Self.size))
                let file = try bench.file(2, Int(Self.size))
                let schedule = destination.limits.schedule
                let count = schedule.count(size: Self.size)
                let session = try await destination.begin(bench.object("c/film", nil))
                // The last one first, the first one last, and then with other bytes.
                var stored: [StoredChunk] = []
                for index in (1..<count).reversed() {
                    let chunk = try bench.chunk(index, Self.size)
                    stored.append(try await session.send(chunk, content: file, sent: ByteCounter()))
                }
                let another = try bench.destination().resume(session.token, schedule: schedule)
                let chunks = try (0..<count).map { try bench.chunk($0, Self.size, generation: $0 == 0 ? 1 : 0) }
                let object = try bench.object("c/film", Self.size)
                let early = await failure { () async throws(DestinationError) in
                    _ = try await another.finish(object, content: file, chunks: chunks)
                }
                #expect(early == .missing([0]))
                // rclone's server can't, and says so: then it is begun again.
                if destination.limits.canReplaceChunk, kind != .rclone {
                    _ = try await another.send(
                        try bench.chunk(0, Self.size), content: older, sent: ByteCounter())
                }
                stored.append(try await another.send(chunks[0], content: file, sent: ByteCounter()))
                let listed = try #require(
                    try await bench.destination().resume(session.token, schedule: schedule).inventory())
                // SeaweedFS lists a part that was replaced twice, and does not say which one holds: it is sent again.
                let told = kind == .seaweed ? stored.filter { $0.index > 0 } : stored
                #expect(listed.filter { $0.index > 0 || kind != .seaweed } == told.sorted { $0.index < $1.index })
                #expect(Set(listed).isSubset(of: stored))
                let receipt = try await another.finish(object, content: file, chunks: chunks)
                #expect(receipt.size == Self.size)
                try bench.expect("c/film", is: file)
                // The answer was lost, and the process killed.
                let later = try bench.destination().resume(session.token, schedule: schedule)
                let known = await failure { () async throws(DestinationError) in
                    guard try await later.inventory() != [] else { throw .malformed(detail: "nothing of it is there") }
                    let again = try await later.finish(object, content: file, chunks: chunks)
                    // By another tag, some tell of it later on (rclone's).
                    guard again.url == receipt.url, again.size == receipt.size, again.digest == receipt.digest else {
                        throw .malformed(detail: "\(again) is not \(receipt)")
                    }
                }
                // rclone forgets what objects say of themselves; who asks begins again then.
                #expect(known == nil || kind == .rclone && known == .sessionLost)
                try bench.expect("c/film", is: file)
            }
        }

        @Test(
            "What is published is copied to another name, whole, and deleted, once and again", .timeLimit(.minutes(2)),
            arguments: Kind.allCases)
        func moves(_ kind: Kind) async throws {
            try await with(kind) { bench in
                let destination = try bench.destination()
                guard destination.limits.canMove else { return }
                let name = "m/ä +&#%'~ .txt"
                for (number, size) in [1000, Int(Self.size)].enumerated() {
                    let file = try bench.file(Int64(number + 1), size)
                    let receipt = try await bench.publish(name, file, Int64(size))
                    let source = ObjectReference(path: try UploadPath(name), url: receipt.url, size: receipt.size)
                    // As the next process asks.
                    let copy = try #require(
                        try await bench.destination().copy(source, to: bench.object("n/deep er/ö", Int64(size))))
                    #expect(copy.object.size == receipt.size && copy.object.url != receipt.url)
                    try bench.expect("n/deep er/ö", is: file)
                    try bench.expect(name, is: file)
                    let known = ObjectReference(
                        path: source.path, url: source.url, size: source.size, tag: copy.sourceTag)
                    for _ in 0..<2 { try await bench.destination().delete(known) }
                    let place = try? bench.receiver.received("m")
                    let names = place.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0) } ?? []
                    #expect(names.isEmpty)
                    let gone = try await destination.copy(source, to: bench.object("n/other", Int64(size)))
                    #expect(gone == nil)
                    try await destination.delete(source)
                    try bench.expect("n/deep er/ö", is: file)
                }
            }
        }

        @Test(
            "What was published is read back in ranges, also by another process, and nothing else of its name",
            .timeLimit(.minutes(2)), arguments: Kind.allCases)
        func reads(_ kind: Kind) async throws {
            try await with(kind) { bench in
                let destination = try bench.destination()
                #expect(destination.limits.canRead)
                let small = try bench.file(1, 1000)
                let described = try bench.object("r/ä +&#%'~ .txt", 1000)
                let first = try await destination.put(described, content: small, sent: ByteCounter())
                let film = try bench.file(2, Int(Self.size))
                let object = try bench.object("r/film", Self.size)
                let session = try await destination.begin(object)
                let chunks = try (0..<destination.limits.schedule.count(size: Self.size)).map {
                    try bench.chunk($0, Self.size)
                }
                for chunk in chunks { _ = try await session.send(chunk, content: film, sent: ByteCounter()) }
                let second = try await session.finish(object, content: film, chunks: chunks)
                for (path, receipt, file) in [(described.path, first, small), (object.path, second, film)] {
                    let whole = try file.contents()
                    let size = Int64(whole.count)
                    let reader = try bench.destination()
                    var readable = ReadableObject(version: file.version, path: path, size: size, receipt)
                    for range in [0..<1, size - 1..<size, size / 3..<size / 3 * 2, 0..<min(size, 1 << 20)] {
                        let piece = try await reader.read(range, of: readable)
                        #expect(piece.bytes == Array(whole[Int(range.lowerBound)..<Int(range.upperBound)]), "\(range)")
                        readable.held = piece.tag
                    }
                    // What nothing is known of but its name and size.
                    let old = ReadableObject(version: file.version, path: path, size: size)
                    #expect(try await reader.read(5..<9, of: old).bytes == Array(whole[5..<9]))
                }
                // Another one takes its place.
                let newer = try bench.file(3, 1000)
                _ = try await destination.put(described, content: newer, sent: ByteCounter())
                let readable = ReadableObject(version: VersionID(1), path: described.path, size: 1000, first)
                let replaced = await failure { () async throws(DestinationError) in
                    _ = try await destination.read(5..<9, of: readable)
                }
                #expect(replaced == .objectChanged)
                let nothing = ReadableObject(version: VersionID(1), path: try UploadPath("r/none"), size: 10)
                let gone = await failure { () async throws(DestinationError) in
                    _ = try await destination.read(5..<9, of: nothing)
                }
                #expect(gone == .objectGone)
            }
        }

        @Test(
            "What is given up is gone, and what nobody began is not there", .timeLimit(.minutes(2)),
            arguments: Kind.allCases)
        func ends(_ kind: Kind) async throws {
            try await with(kind) { bench in
                let destination = try bench.destination()
                let file = try bench.file(1, Int(Self.size))
                let first = try bench.chunk(0, Self.size)
                let session = try await destination.begin(bench.object("e/film", nil))
                _ = try await session.send(first, content: file, sent: ByteCounter())
                try await session.abort()
                try await session.abort()
                let sent = ByteCounter()
                let after = await failure { () async throws(DestinationError) in
                    _ = try await session.send(first, content: file, sent: sent)
                }
                #expect(after == .sessionLost && sent.value == 0)
                for token in [session.token, SessionToken("nobody's")] {
                    let unknown = destination.resume(token, schedule: destination.limits.schedule)
                    let asked = await failure { () async throws(DestinationError) in _ = try await unknown.inventory() }
                    #expect(asked == .sessionLost)
                    try await unknown.abort()
                }
                // Under another name than it was begun with: it is taken, or begun again.
                let renamed = try await destination.begin(bench.object("e/before", nil))
                let size = first.length
                _ = try await renamed.send(first, content: file, sent: ByteCounter())
                let object = try bench.object("e/after", size)
                let outcome = await failure { () async throws(DestinationError) in
                    _ = try await renamed.finish(object, content: file, chunks: [first])
                }
                #expect(outcome == (destination.limits.namesAtFinish ? nil : .sessionLost))
                let place = try? bench.receiver.received("e")
                let names = place.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0) } ?? []
                #expect(names == (destination.limits.namesAtFinish ? ["after"] : []))
            }
        }
    }
}
