//! Keys for tests that need no peer's: [`components::KeyPair`](crate::components::KeyPair) has the other forms.

/// A pair in PEM.
pub struct Keys {
    /// PKCS#8.
    pub private: String,
    pub public: String,
}

impl Keys {
    /// A P-256 pair.
    #[expect(clippy::new_without_default, reason = "each is another pair")]
    pub fn new() -> Keys {
        let pair = rcgen::KeyPair::generate().unwrap();
        Keys { private: pair.serialize_pem(), public: pair.public_key_pem() }
    }

    /// A certificate of this pair by nobody that anybody trusts, in PEM.
    pub fn certificate(&self) -> String {
        let pair = rcgen::KeyPair::from_pem(&self.private).unwrap();
        rcgen::CertificateParams::default().self_signed(&pair).unwrap().pem()
    }
}
