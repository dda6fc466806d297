import Testing
import UploadCore

@Suite("Names say what becomes of a file")
struct NameClassifierTests {
    @Test(
        "Temporary names of browsers, desktops, rsync and editors wait for their rename",
        arguments: [
            "film.mkv.part", "film.crdownload", "a.tmp", ".goutputstream-XYZ123", ".photo.jpg.aB3dE9", "notes.txt~",
            ".notes.txt.swp", ".notes.txt.swx", "4913", "deep/er/film.part", ".part",
        ])
    func temporary(path: String) throws {
        #expect(NameClassifier().classify(try UploadPath(path)) == .temporary)
    }

    @Test(
        "Litter of operating systems stays local, with everything below a litter directory",
        arguments: [
            ".DS_Store", "._photo.jpg", "Thumbs.db", "desktop.ini", ".Trash-1000", ".Trash-1000/files/film.mkv",
            "photos/.DS_Store", "._x.part",
        ])
    func litter(path: String) throws {
        #expect(NameClassifier().classify(try UploadPath(path)) == .litter)
    }

    @Test(
        "Names that only resemble those are ordinary",
        arguments: [
            "film.mkv", "part", "film.part.mkv", "film.part/scene.mkv", ".env.sample", ".notes.README", ".a.123456",
            "DS_Store", "thumbs.db.txt", "49130", ".bashrc", ".photo.aB3dE9é", "x.photo.aB3dE9", "Trash-1000/a", "b~c",
        ])
    func ordinary(path: String) throws {
        #expect(NameClassifier().classify(try UploadPath(path)) == .ordinary)
    }

    @Test("The lists are settings")
    func settings() throws {
        let classifier = NameClassifier(temporary: ["upload-??.*"], litter: [])
        #expect(classifier.classify(try UploadPath("upload-éé.bin")) == .temporary)
        #expect(classifier.classify(try UploadPath("upload-1.bin")) == .ordinary)
        #expect(classifier.classify(try UploadPath("a.part")) == .ordinary)
        #expect(classifier.classify(try UploadPath(".DS_Store")) == .ordinary)
    }

    @Test("A pattern of many stars is answered at once", .timeLimit(.minutes(1)))
    func manyStars() throws {
        let classifier = NameClassifier(temporary: [String(repeating: "a*", count: 100) + "b"], litter: [])
        #expect(classifier.classify(UploadPath([try FileName(String(repeating: "a", count: 255))])) == .ordinary)
    }
}
