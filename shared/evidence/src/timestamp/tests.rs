use cms::content_info::CmsVersion;
use cms::signed_data::{EncapsulatedContentInfo, SignerInfos};
use der::asn1::{GeneralizedTime, SetOfVec};
use der::{Any, DateTime, Sequence, Tag};
use proptest::prelude::*;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Respond, ResponseTemplate};

use super::*;
use crate::keyless::tests::client;

/// `PKIStatusInfo`
#[derive(Sequence)]
struct Status {
    status: u8,
    #[asn1(optional = "true")]
    text: Option<Vec<String>>,
}

/// `TimeStampResp`
#[derive(Sequence)]
struct Answer {
    status: Status,
    #[asn1(optional = "true")]
    token: Option<ContentInfo>,
}

fn info(query: &TimeStampReq) -> TstInfo {
    TstInfo {
        version: TspVersion::V1,
        policy: ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.2"),
        message_imprint: query.message_imprint.clone(),
        serial_number: Int::new(&[1]).unwrap(),
        gen_time: GeneralizedTime::from_date_time(DateTime::new(2026, 1, 2, 3, 4, 5).unwrap()),
        accuracy: None,
        ordering: false,
        nonce: query.nonce.clone(),
        tsa: None,
        extensions: None,
    }
}

fn token(info: &TstInfo, kind: ObjectIdentifier) -> ContentInfo {
    let content = Any::new(Tag::OctetString, info.to_der().unwrap()).unwrap();
    let signed = SignedData {
        version: CmsVersion::V3,
        digest_algorithms: SetOfVec::new(),
        encap_content_info: EncapsulatedContentInfo { econtent_type: kind, econtent: Some(content) },
        certificates: None,
        crls: None,
        signer_infos: SignerInfos(SetOfVec::new()),
    };
    ContentInfo { content_type: SIGNED_DATA, content: Any::encode_from(&signed).unwrap() }
}

fn granted(info: &TstInfo) -> Vec<u8> {
    let status = Status { status: 0, text: None };
    Answer { status, token: Some(token(info, TST_INFO)) }.to_der().unwrap()
}

/// Answers with what is made of the query.
fn answering(make: impl Fn(TimeStampReq) -> Vec<u8> + Send + Sync + 'static) -> impl Respond {
    move |request: &wiremock::Request| {
        ResponseTemplate::new(201).set_body_bytes(make(TimeStampReq::from_der(&request.body).unwrap()))
    }
}

async fn timestamp(answer: impl Respond + 'static) -> Result<TimestampToken, KeylessError> {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/v1/timestamp"))
        .and(header("Content-Type", "application/timestamp-query"))
        .respond_with(answer)
        .mount(&server)
        .await;
    TimestampAuthority::new(client(), &format!("{}/api/v1/timestamp", server.uri())).timestamp(b"signature").await
}

async fn malformed(make: impl Fn(TimeStampReq) -> Vec<u8> + Send + Sync + 'static, what: &str) {
    let error = timestamp(answering(make)).await.unwrap_err();
    assert!(matches!(error, KeylessError::Malformed { service: Service::TimestampAuthority, .. }), "{error}");
    assert!(error.to_string().contains(what), "{error} lacks {what}");
}

#[tokio::test]
async fn the_whole_answer_is_the_token() {
    let token = timestamp(answering(|query| {
        assert!(query.cert_req);
        assert_eq!(query.message_imprint.hashed_message.as_bytes(), Sha256::digest(b"signature").as_slice());
        granted(&info(&query))
    }))
    .await
    .unwrap();
    assert_eq!(TimeStampResp::from_der(token.as_bytes()).unwrap().status.status as u32, 0);
}

#[tokio::test]
async fn an_answer_to_something_else_is_not_taken() {
    malformed(
        |query| {
            let mut info = info(&query);
            info.message_imprint.hashed_message = OctetString::new([0; 32]).unwrap();
            granted(&info)
        },
        "the timestamp is for another signature",
    )
    .await;
    malformed(
        |query| {
            let mut info = info(&query);
            info.message_imprint.hash_algorithm.oid = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
            granted(&info)
        },
        "the timestamp uses another hash",
    )
    .await;
    for nonce in [None, Some(Int::new(&[1]).unwrap())] {
        malformed(move |query| granted(&TstInfo { nonce: nonce.clone(), ..info(&query) }), "is for another request")
            .await;
    }
}

#[tokio::test]
async fn what_is_no_timestamp_is_not_taken() {
    malformed(|_| b"<html>".to_vec(), "not a timestamp").await;
    malformed(|_| vec![], "not a timestamp").await;
    let bare = |token| Answer { status: Status { status: 0, text: None }, token }.to_der().unwrap();
    malformed(move |_| bare(None), "no timestamp").await;
    malformed(move |query| bare(Some(token(&info(&query), SIGNED_DATA))), "the signed data is not a timestamp").await;
    malformed(
        move |query| bare(Some(ContentInfo { content_type: TST_INFO, ..token(&info(&query), TST_INFO) })),
        "the timestamp is not signed",
    )
    .await;
    let error = timestamp(ResponseTemplate::new(200).set_body_bytes(vec![0; 300 * 1024])).await.unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
}

#[tokio::test]
async fn a_refusal_has_its_reason() {
    let status = || Status { status: 2, text: Some(vec!["bad\nalgorithm".to_owned(), "no".to_owned()]) };
    let error =
        timestamp(answering(move |_| Answer { status: status(), token: None }.to_der().unwrap())).await.unwrap_err();
    assert!(error.to_string().contains("refused the request: bad algorithm, no (PKI status 2). "), "{error}");
    assert!(matches!(error, KeylessError::Refused { service: Service::TimestampAuthority, .. }));
    let error = timestamp(ResponseTemplate::new(400).set_body_string("no")).await.unwrap_err();
    assert!(matches!(error, KeylessError::Refused { .. }), "{error}");
}

#[tokio::test]
async fn trouble_is_tried_again() {
    let error = timestamp(ResponseTemplate::new(500)).await.unwrap_err();
    assert!(
        matches!(error, KeylessError::Unavailable { .. }) && error.to_string().contains("after 3 attempts"),
        "{error}"
    );
}

#[test]
fn nonces_are_positive_short_and_differ() {
    let nonces: Vec<Int> = (0..1000).map(|_| nonce().unwrap()).collect();
    for nonce in &nonces {
        assert_eq!(Int::from_der(&nonce.to_der().unwrap()).unwrap(), *nonce);
        assert_eq!(nonce.as_bytes().len(), 8);
    }
    assert_ne!(nonces[0], nonces[1]);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }

    #[test]
    fn no_damage_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let query = TimeStampReq {
            version: TspVersion::V1, message_imprint: imprint(b"x").unwrap(), req_policy: None, nonce: nonce(),
            cert_req: true, extensions: None,
        };
        let good = granted(&info(&query));
        let mut bytes = good.clone();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = read(&bytes);
        let _ = read(&good[..cut.index(good.len())]);
    }
}
