import Crypto
import Testing

@testable import SSHCrypto

/// Known answers for the arithmetic of a key exchange; those of sntrup761 and of the groups modulo a prime have files of
/// their own.
@Suite struct AgreementVectorTests {
    @Test(
        "X25519 gives the results of RFC 7748 §5.2",
        arguments: [
            (
                "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
                "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
            ),
            (
                "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
                "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"
            ),
        ])
    func x25519(_ scalar: String, _ point: String, _ result: String) throws {
        let key = CurveDiffieHellman.x25519(try .init(rawRepresentation: hex(scalar)))
        #expect(try key.agree(with: hex(point)) == hex(result))
    }

    /// Made with Python's cryptography 48 from the private keys 1...47 and 2...48, 1...65 and 2...66, big-endian.
    @Test("P-384 and P-521 give the secrets of another implementation, with their leading zeros")
    func largeCurves() throws {
        let p384 = CurveDiffieHellman.p384(try .init(rawRepresentation: [0] + Array(1...47)))
        #expect(try p384.agree(with: hex(Self.p384Share)) == hex(Self.p384Secret))
        let p521 = CurveDiffieHellman.p521(try .init(rawRepresentation: [0] + Array(1...65)))
        #expect(try p521.agree(with: hex(Self.p521Share)) == hex(Self.p521Secret))
    }

    /// Made with Python's cryptography 48 from the seed 0...63 (d and z of FIPS 203).
    @Test("ML-KEM-768 gives the public key and opens the ciphertext of another implementation")
    func mlkem() throws {
        let key = LatticeKey.mlkem768(try .init(seedRepresentation: Array(0..<64), publicKey: nil))
        #expect(
            hexDigits(SHA256.hash(data: key.publicKey))
                == "0b7934c83125c788995e2ba6bd761e33046b3e40571be53e023309a29f398cc9")
        #expect(try key.decapsulate(hex(Self.mlkemCiphertext)) == hex(Self.mlkemSecret))
    }

    private static let p384Secret = """
        12d455c2fe59a08f2cd1c1113531d93bdd09f89719435df893a381acb9c0c15e57e27137ca7223d439993c6a4796d721
        """
    private static let p521Secret = """
        0093b7f848d6ab0cf0debc43c60c588e644f058fcf72614e6630d221fde49a35ecbb73ab8b913a86f6af8df588f8abaf56d1
        37fb419516b6fe6980ef009d268ad6e8
        """
    private static let p384Share = """
        04f3f6afd0d76532223c471075512afac434015c7ff1414c5bb4ae7acc0dd954c98039c9bc72a45749a5d2a0a3fd3b9a00d5
        a0028cae7773e422dee86c08234e2c4d2e101dea2ec02c84010b9280e523efd16fe05a31862574a5066ad4af39eabe
        """
    private static let p521Share = """
        0401f7eafa08fc845f03d01f7631f407fa17e6191d45b304d46aa1eaf6484a21fc78bc7003a1db5e8f450724721a2a611beb
        dbe6c4ca6f8fcf8b8edaaf2d09b8159f5001342df71a870f66a1e91c0efd895324ee3dfb33475bfc69790bd870441311db04
        16d4704116712f03e9680b5a5d7fed0694e4fd37b6a085dfc030ecb5bfdaf11743
        """
    private static let mlkemSecret = "1d3385b40eb1269a7cce4749b5fed47a702ad1394fdfc32cecf4b52c68fd7dda"
    private static let mlkemCiphertext = """
        a05cdf738db3cfa1d744ffb6915b72a4d0d92830d51a6d72ec2ef5b822bfd2fb2cb4582276a996bd219a5263202014233de9
        bd019389baf2ec4019868b728c8fa5d4a9125f708fd36b7c4d9821ff0914704e1afa3b7aa7874038cfb61a0df8d4eba7c1c2
        ee2ce34fa17628afd4b851fa516944904e111d352e1c93cfee09d1856254054159ed1d5d2574d8be48ce4ab067150eaf591f
        1cdddd83268369b89197e68c539f148d075249718c442694d6ae632922d83da52abadf8f73d9afbcd2d2e425f84f286e9724
        ebe8caf18db97a6dc9f3ca4e68e0274ee4791d217bd4b2ed6655a3797357ff191d308b41d57fb30ec2f6af404d358f4f26ce
        ebd78b278a84553dafedda5da17fca84c46258aaf452a03f132684abb50a00537fa6f0813c6cf5e4c24fa9baaee0e963643c
        049133761c91d6f1db0758cfd750378052a701802135f2ddd7ac395bb52d7ef4b92908db9ebecbb930a867f6a8209c8e6436
        af21e7742ebb3e7b2709cc8e23e7e3236297b520bb590a1545edb9d3e0ce8aa70bc95dae0f975fe151a57a46c8ae8f8fe666
        32c984b2a314d366afc04f0d8c7071272cae662fe36237ae44ded97733290c7f49d1f502e3a93756341ab6596e6253d3367a
        0a4ba2340aa36a3f90c7409b694c430af529c0b129222965cf85c290ee8ce970430327aefae0ff7260c3f7d4bc0f33b41db8
        c76c1d61b41a63d57a7859cbab74a93c73d2cfa16ed663c55607da49686866c63279495d5589302de7eba2b55860700a699e
        e8167b2635cc5e31555d80afd3d783fe012b4a29f1beecaae87480efc281a5348566de4810d5ca673bf5277747e2ce687c30
        b27078314de70f1a246deddb1e128c5b2793ae024a5ee27ebc0aaca272e5d9e425fd7b9a3673068ea5ef12c1618b14308986
        6ef8f081b96d044f73ebf5d6a23a3a1a7c5fa9147b33650b5d6637160451a25383a93897bebdd594810b5f072e2d0df44d38
        bbf47b1f7b60104eebd40fb3b4e3b7165a89e35d41a876dcd15816fe5a18be4dc0b20083a696c0dedc3422544f1f17f0c83c
        18d4554e35b5696d1c87268fdf3bb888ed6672469e63adcee40bb3dfaf446688f772e8e915f71f8180a0b618f740df29e5d0
        6f63bed4a5d5a7bd53c658e2145963d89c73bc1c13eb77bba528d31089d27a50511461093ecb9cfa641e093cc77c55fa107c
        62004da79ce1560ffddb7268db2cdda9d4d3769edc9157c08c801898ea063d98010c9e37ff47579b0ffdec8e5a5748cc172e
        4e63f9779d8d6f3f2a6de04eb3cb3da6441bcde5cd467a0d9a39456bbf2ed396698fc5919427273356b73d8172f05badae93
        4a676cb47541bd91e183b2995306e327d8ebd3cbc22ccdab77a0fd80ba1bc9ca13389e7eb5a8de4805131fc9bb9b5bf83937
        56f677ca534ec23ccf70d5e1d8df9aa89d511f2e15525e3f03fa375782d7fe81a5784c2215b316cd5c5fb8a068e324435ee7
        cbc6cdd6b012295c0f6d4d5aae262e0e886c879133742b36ae5fd228a8898e22671d976bbdb1
        """
}
