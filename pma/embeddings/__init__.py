"""Customer embedding repository: features, vectors of products, stores and places, autoencoder, quality."""
