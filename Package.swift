// swift-tools-version: 6.2
import PackageDescription

/// Whether the tests are built: they see inside our modules, in release mode too. Said here and not to the
/// whole build, since libraries that are built like this are larger and slower than what users run.
let isTested = Context.environment["UPLOADFS_TESTED"] != nil

/// One set of rules for every target: language mode 6, no implicit existentials, no leaked imports,
/// and no warning that somebody may get used to.
let house: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .treatAllWarnings(as: .error),
    ] + (isTested ? [.unsafeFlags(["-enable-testing"])] : [])

let package = Package(
    name: "uploadfs",
    products: [
        .executable(name: "uploadfs", targets: ["uploadfs"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.12.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // The C libraries, each seen by one folder only.
        .systemLibrary(name: "CFuse", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CLinux"),
        // Our own C: what Swift has no instructions for.
        .target(name: "CChecksum"),

        // What everybody knows, and nothing that touches the world.
        .target(
            name: "UploadCore",
            dependencies: [
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            swiftSettings: house),

        // Four siblings that never import each other.
        .target(
            name: "UploadFuse",
            dependencies: ["UploadCore", "CFuse", "CLinux", .product(name: "Logging", package: "swift-log")],
            swiftSettings: house),
        .target(
            name: "UploadStore",
            dependencies: ["UploadCore", "CLinux", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: house),
        .target(
            name: "UploadTransfer",
            dependencies: [
                "UploadCore", "CChecksum", "CCurl", "CLinux",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            swiftSettings: house),
        .target(
            name: "UploadServer",
            dependencies: [
                "UploadCore", "CLinux",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            exclude: ["openapi.yaml"],
            swiftSettings: house),

        // The command line and the wiring: it alone knows everybody.
        .executableTarget(
            name: "uploadfs",
            dependencies: [
                "UploadCore", "UploadFuse", "UploadStore", "UploadTransfer", "UploadServer", "CLinux",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: house,
            // libfuse is to find ours (LibfuseLog.swift); nothing else refers to it.
            linkerSettings: [
                .unsafeFlags(["-Xlinker", "--undefined=perror", "-Xlinker", "--export-dynamic-symbol=perror"])
            ]),

        // Tests mirror the sources.
        .target(
            name: "TestSupport",
            dependencies: [
                "UploadCore", "CLinux",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Tests/TestSupport",
            swiftSettings: house),
        .testTarget(name: "UploadCoreTests", dependencies: ["UploadCore", "TestSupport"], swiftSettings: house),
        .testTarget(
            name: "UploadStoreTests",
            dependencies: ["UploadStore", "UploadCore", "TestSupport", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: house),
        .testTarget(
            name: "UploadTransferTests",
            dependencies: ["UploadTransfer", "UploadServer", "UploadCore", "TestSupport"], swiftSettings: house),
        .testTarget(
            name: "UploadFuseTests",
            dependencies: ["UploadFuse", "UploadStore", "UploadCore", "CLinux", "TestSupport"], swiftSettings: house),
        .testTarget(
            name: "UploadServerTests",
            dependencies: [
                "UploadServer", "UploadCore", "TestSupport",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: house),
        .testTarget(
            name: "CommandLineTests",
            dependencies: ["uploadfs", "UploadCore", "UploadFuse", "UploadTransfer", "TestSupport"],
            swiftSettings: house),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["uploadfs", "UploadCore", "UploadTransfer", "TestSupport", "CLinux"],
            resources: [.copy("Calls/calls.py")], swiftSettings: house),
    ],
    swiftLanguageModes: [.v6]
)
