import Foundation
import Glibc
import TestSupport
import Testing
import UploadCore
import UploadTransfer

extension EndToEnd {
    /// Multipart uploads cost as long as they are there.
    @Suite struct S3SweepTests {
        private func unfinished(_ store: ObjectStore) throws -> Int {
            let said = try Shell.must("\(store.rclone("backend list-multipart-uploads :s3:bucket")) 2>/dev/null")
            return said.components(separatedBy: "\"UploadId\"").count - 1
        }

        /// At the point where the server has begun it, and no journal knows.
        private func crash(_ scene: Scene, _ store: ObjectStore, _ film: String) throws {
            let mount = try Mounted(
                store.url("pre"), at: scene.directory.file("mount"), state: scene.directory.file("state"),
                environment: BucketKeys.environment.merging(["UPLOADFS_CRASH_POINT": "request.after:1"]) { $1 },
                in: scene.directory)
            // What is closed is kept, and goes up with the next mount.
            try Shell.must(
                "\(Binary.path) pause \(mount.mountpoint) && cp \(film) \(mount.path("film"))")
            _ = try Binary.run("resume", mount.mountpoint)
            #expect(mount.program.waitForEnd(within: 60) == 128 + SIGKILL)
            _ = mount.kill()
        }

        @Test(
            "What a crash left that no journal knows of is aborted by the next mount; what others began is not",
            .timeLimit(.minutes(3)))
        func swept() async throws {
            let scene = try Scene()
            let store = try ObjectStore()
            let film = try scene.randomFile("film", mebibytes: 20)
            try crash(scene, store, film)
            #expect(try unfinished(store) == 1)
            // Another mount, which writes the same name at the same time.
            let client = try CurlClient()
            let other = S3Destination(
                try S3Location(store.url("pre")), client: client,
                credentials: FixedCredentials(
                    S3Credentials(accessKey: BucketKeys.access, secretKey: BucketKeys.secret)),
                options: S3Options(origin: "other"))
            let session = try await other.begin(
                ObjectDescription(
                    path: try UploadPath("film"), size: nil, contentType: "text/plain",
                    modified: Timestamp(seconds: 5), mode: 0o600))
            let file = try MemorySpool().create(VersionID(1))
            try file.write([UInt8](repeating: 7, count: 8 << 20), at: 0)
            let chunk = ChunkRef(index: 0, generation: 0, range: 0..<(8 << 20))
            let sent = try await session.send(chunk, content: file, sent: ByteCounter())

            let mount = try scene.mount(store)
            try mount.wait(for: "film")
            try store.expect("pre/film", is: film)
            try Shell.must(
                "until [ $(\(store.rclone("backend list-multipart-uploads :s3:bucket")) 2>/dev/null | grep -c UploadId) = 1 ]; "
                    + "do :; done", within: 60)
            #expect(try await session.inventory() == [sent])
            try await session.abort()
            #expect(try unfinished(store) == 0)
            await client.shutdown()
        }
    }
}
