import Testing
import UploadCore

@Suite("A name's suffix tells its content type")
struct ContentTypeTests {
    @Test(
        arguments: [
            ("film.mp4", "video/mp4"), ("FILM.MP4", "video/mp4"), ("a.tar.gz", "application/gzip"),
            ("a b.jpeg", "image/jpeg"), ("README", ContentType.unknown), (".png", ContentType.unknown),
            ("x.", ContentType.unknown), ("x.nosuchtype", ContentType.unknown), (".x.png", "image/png"),
        ])
    func table(name: String, type: String) throws {
        #expect(ContentType.of(try FileName(name)) == type)
    }
}
