//! Specifications that describe no network.

use regime_models::{
    Activation, ConvolutionalSpec, DenseSpec, ImageShape, NetworkSpec, WideResNetSpec,
};

#[test]
fn the_error_names_an_invalid_field() {
    let good = DenseSpec {
        inputs: 2,
        width: 2,
        hidden_layers: 1,
        activation: Activation::Relu,
        bias: true,
    };
    let message = |spec: DenseSpec| spec.build().unwrap_err().to_string();
    assert!(message(DenseSpec { inputs: 0, ..good }).starts_with("inputs is 0"));
    assert!(message(DenseSpec { width: 0, ..good }).starts_with("width is 0"));
    assert!(message(DenseSpec { hidden_layers: 0, ..good }).starts_with("hidden_layers is 0"));
    for beta in [0.0, -1.0, f64::NAN] {
        let activation = Activation::Softplus { beta };
        assert!(message(DenseSpec { activation, ..good }).starts_with("activation.beta is"));
    }
}

#[test]
fn the_error_names_an_invalid_image_window_or_depth() {
    let good = ConvolutionalSpec::setup_b(4);
    let message = |spec: ConvolutionalSpec| spec.build().unwrap_err().to_string();
    let image = ImageShape { height: 0, ..good.image };
    assert!(message(ConvolutionalSpec { image, ..good }).starts_with("image.height is 0"));
    assert!(message(ConvolutionalSpec { blocks: 0, ..good }).starts_with("blocks is 0"));
    let image = ImageShape { height: 4, width: 4, channels: 1 };
    assert!(message(ConvolutionalSpec { image, ..good }).contains("does not fit"));

    let good = WideResNetSpec::paper(ImageShape::MNIST, 1);
    let message = |spec: WideResNetSpec| spec.build().unwrap_err().to_string();
    for depth in [0, 4, 9, 27] {
        assert!(message(WideResNetSpec { depth, ..good }).starts_with("depth is"));
    }
    let mix_angle_deg = f64::INFINITY;
    assert!(message(WideResNetSpec { mix_angle_deg, ..good }).starts_with("mix_angle_deg is"));
}

#[test]
fn specifications_are_tagged_by_their_architecture() {
    let spec = NetworkSpec::Convolutional(ConvolutionalSpec::setup_b(16));
    let text = serde_json::to_string(&spec).unwrap();
    assert!(text.starts_with(r#"{"architecture":"convolutional","image":{"height":28"#), "{text}");
    assert_eq!(serde_json::from_str::<NetworkSpec>(&text).unwrap(), spec);
    for wrong in [text.replace("padding", "pading"), text.replace("\"bias", "\"stride\":1,\"bias")]
    {
        assert!(serde_json::from_str::<NetworkSpec>(&wrong).is_err(), "{wrong}");
    }
}
